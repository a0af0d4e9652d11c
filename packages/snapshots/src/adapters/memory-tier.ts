import { LRUCache } from 'lru-cache';
import type { Tier, TierKey } from '../tiers/tier.js';

export interface MemoryTierOptions {
  /** @default 'memory' */
  name?: string;
  /** Least recently used objects make room beyond this. @default 67_108_864 */
  maximumBytes?: number;
}

/** Keeps objects in this process. */
export function createMemoryTier(options: MemoryTierOptions = {}): Tier {
  const objects = new LRUCache<TierKey, Buffer>({
    maxSize: options.maximumBytes ?? 64 * 1024 * 1024,
    sizeCalculation: (bytes) => bytes.length + 1,
  });
  return {
    name: options.name ?? 'memory',
    get: async (key) => {
      const bytes = objects.get(key);
      return bytes && Buffer.from(bytes);
    },
    put: async (key, bytes, { ttlMs } = {}) => {
      objects.set(key, Buffer.from(bytes), ttlMs === undefined ? {} : { ttl: ttlMs });
    },
    delete: async (key) => objects.delete(key),
  };
}
