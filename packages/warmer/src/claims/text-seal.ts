import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Encrypts text for a store (AES-256-GCM). The context is authenticated: sealed text cannot be moved to another one. */
export interface TextSealer {
  seal(text: string, context: string): string;
  /** @throws when it was sealed with another key or for another context, or was tampered with */
  open(sealed: string, context: string): string;
}

const tagBytes = 16;
const nonceBytes = 12;

/** @param keyHex 32 bytes in hex */
export function textSealer(keyHex: string): TextSealer {
  const key = Buffer.from(keyHex, 'hex');
  return {
    seal(text, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), bytes]).toString('base64url');
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      return text.toString('utf8');
    },
  };
}
