import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import type { SlotPlace } from '../ledger/record.js';
import type { SandboxConnection } from '../provider.js';
import * as z from '../schema.js';

/** Turns the secrets of a connection into text that a ledger may store, and back. */
export interface Sealer {
  seal(connection: SandboxConnection): string;
  /** Undefined when the text was sealed with another key or was tampered with. */
  open(place: SlotPlace): SandboxConnection | undefined;
}

/**
 * AES-256-GCM under a key derived from a passphrase. The nonce is derived from what is sealed, so that equal nonces mean
 * equal texts; the sandbox id is authenticated, so a sealed text opens for its own sandbox only.
 */
export function sealerOf(passphrase: string): Sealer {
  const secrets = z.object({ envd: z.string().optional(), traffic: z.string().optional() });
  const key = Buffer.from(hkdfSync('sha256', passphrase, 'pilotlight', 'connection secrets v1', 32));
  return {
    seal(connection) {
      const text = JSON.stringify({ envd: connection.envdAccessToken, traffic: connection.trafficAccessToken });
      const nonce = createHash('sha256')
        .update(key)
        .update(connection.sandboxId)
        .update('\0')
        .update(text)
        .digest()
        .subarray(0, 12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(connection.sandboxId));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open({ sandboxId, sandboxDomain, envdVersion, sealed }) {
      if (sealed === undefined) return undefined;
      const bytes = Buffer.from(sealed, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
          .setAAD(Buffer.from(sandboxId))
          .setAuthTag(bytes.subarray(12, 28));
        const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
        const { envd, traffic } = secrets.parse(JSON.parse(text));
        return { sandboxId, sandboxDomain, envdVersion, envdAccessToken: envd, trafficAccessToken: traffic };
      } catch {
        return undefined;
      }
    },
  };
}
