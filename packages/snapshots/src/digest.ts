import { createHash, hash } from 'node:crypto';

/** SHA-256 of some bytes, as 64 lower-case hexadecimal digits. */
export type Digest = string;

const pattern = /^[0-9a-f]{64}$/;

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && pattern.test(value);
}

/** One-shot digest. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return hash('sha256', bytes, 'hex');
}

/** The same digest as 32 bytes. */
export function digestBytesOf(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** A digest over several pieces. */
export function createDigest(): { update(bytes: Uint8Array | string): void; hex(): Digest } {
  const state = createHash('sha256');
  return { update: (bytes) => void state.update(bytes), hex: () => state.digest('hex') };
}
