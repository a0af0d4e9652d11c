import { existsSync } from 'node:fs';
import type { WarmerConfig } from '../config/schema.js';
import { WarmerError } from '../errors.js';
import type { ClaimHistory } from './history.js';

/**
 * The history of an installation, read beside the running service.
 *
 * @throws {@link WarmerError} `invalid_option` when this store keeps none, or is not there
 */
export async function openHistory({ store }: WarmerConfig): Promise<ClaimHistory> {
  switch (store.kind) {
    case 'memory':
      throw new WarmerError(
        'invalid_option',
        'A store in memory keeps no history. Run the service with "store.kind" sqlite or redis.',
      );
    case 'sqlite': {
      if (!existsSync(store.path)) {
        throw new WarmerError(
          'invalid_option',
          `There is no store at ${store.path}. Start the service once, or set "store.path" to its file.`,
        );
      }
      const { SqliteClaimHistory } = await import('../adapters/sqlite-history.js');
      return new SqliteClaimHistory(store.path);
    }
    case 'redis': {
      const [{ Redis }, { RedisClaimHistory }] = await Promise.all([
        import('ioredis'),
        import('../adapters/redis-history.js'),
      ]);
      const redis = new Redis(store.url, { maxRetriesPerRequest: 1, commandTimeout: 10_000 });
      redis.on('error', () => undefined);
      const history = new RedisClaimHistory({ redis, prefix: store.prefix });
      return {
        put: (claims) => history.put(claims),
        read: (fromMs) => history.read(fromMs),
        forget: (beforeMs, most) => history.forget(beforeMs, most),
        close: async () => redis.disconnect(),
      };
    }
  }
}
