import { SnapshotError } from '../errors.js';
import type { Tier } from '../tiers/tier.js';

export interface HttpTierOptions {
  /** What stands before the key, for example `https://cdn.example.com/pilotlight/`. */
  baseUrl: string;
  /** @default 'cdn' */
  name?: string;
  /** Sent with every request. @default {} */
  headers?: Record<string, string>;
  /** A longer answer is not read to its end. @default 134_217_728 */
  maximumBytes?: number;
}

/** Reads objects over HTTP, for example from a CDN in front of the bucket. Never writes. */
export function createHttpTier(options: HttpTierOptions): Tier {
  const base = options.baseUrl.endsWith('/') ? options.baseUrl : `${options.baseUrl}/`;
  const maximumBytes = options.maximumBytes ?? 128 * 1024 * 1024;
  return {
    name: options.name ?? 'cdn',
    get: async (key, { signal } = {}) => {
      const answer = await fetch(new URL(key, base), { headers: options.headers ?? {}, ...(signal && { signal }) });
      if (answer.status === 404 || answer.status === 403 || answer.status === 410) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok || !answer.body) {
        await answer.body?.cancel();
        throw new SnapshotError('tier_failed', `${base} answered ${answer.status} for ${key}. Look at the server.`);
      }
      return readBounded(answer.body, maximumBytes, base);
    },
  };
}

async function readBounded(body: ReadableStream<Uint8Array>, maximumBytes: number, base: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > maximumBytes) {
      throw new SnapshotError(
        'archive_too_large',
        `${base} answered with more than ${maximumBytes} bytes. Raise "maximumBytes" if that is right.`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}
