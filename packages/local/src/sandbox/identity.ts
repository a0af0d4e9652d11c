import { randomBytes, randomUUID } from 'node:crypto';

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** As E2B's: lower case letters and digits, so that it can be part of a host name. */
export function newSandboxId(): string {
  return `i${[...randomBytes(19)].map((byte) => letters[byte % letters.length]).join('')}`;
}

export function newToken(): string {
  return randomBytes(32).toString('hex');
}

export function newBootId(): string {
  return randomUUID();
}
