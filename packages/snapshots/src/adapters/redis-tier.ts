import { Redis } from 'ioredis';
import type { Tier, TierKey } from '../tiers/tier.js';

/** The calls that the tier makes; an `ioredis` client has them. */
export interface RedisTierClient {
  getBuffer(key: string): Promise<Buffer | null>;
  set(key: string, value: Buffer, mode: 'PX', milliseconds: number): Promise<unknown>;
  del(key: string): Promise<number>;
}

export type RedisTierOptions = {
  /** @default 'redis' */
  name?: string;
  /** Put before every key. @default 'pilotlight:snapshots:' */
  prefix?: string;
} & (
  | {
      /** For example `redis://127.0.0.1:6379`; the tier opens the connection and closes it. */
      url: string;
    }
  | {
      /** A client that the caller closes. */
      client: RedisTierClient;
    }
);

const farMs = 365 * 24 * 3_600_000;

/** Keeps objects in Redis, which forgets them by itself. Give Redis a `maxmemory` and the policy `allkeys-lru`. */
export function createRedisTier(options: RedisTierOptions): Tier {
  const prefix = options.prefix ?? 'pilotlight:snapshots:';
  const owned = 'url' in options ? new Redis(options.url, { lazyConnect: true, maxRetriesPerRequest: 2 }) : undefined;
  owned?.on('error', () => {});
  const client: RedisTierClient = owned ?? (options as { client: RedisTierClient }).client;
  const nameOf = (key: TierKey) => `${prefix}${key}`;
  return {
    name: options.name ?? 'redis',
    get: async (key) => (await client.getBuffer(nameOf(key))) ?? undefined,
    put: async (key, bytes, { ttlMs } = {}) => {
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await client.set(nameOf(key), value, 'PX', ttlMs ?? farMs);
    },
    delete: async (key) => (await client.del(nameOf(key))) > 0,
    close: async () => {
      owned?.disconnect();
    },
  };
}
