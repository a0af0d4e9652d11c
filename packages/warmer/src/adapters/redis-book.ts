import type { Redis } from 'ioredis';
import { type ClaimBook, sandboxOf } from '../claims/book.js';
import type { ClaimRecord } from '../claims/record.js';
import type { RecordSealer } from '../claims/seal.js';
import { reach, together } from './redis-reach.js';

/** Claims in Redis, for many replicas. Records and their indexes end by themselves. */
export class RedisClaimBook implements ClaimBook {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #sealer: RecordSealer;
  readonly #now: () => number;

  constructor(parts: { redis: Redis; prefix: string; sealer: RecordSealer; now: () => number }) {
    this.#redis = parts.redis;
    this.#prefix = parts.prefix;
    this.#sealer = parts.sealer;
    this.#now = parts.now;
  }

  put(record: ClaimRecord): Promise<void> {
    return reach(async () => {
      const { claimId, tenant, key, createdAtMs } = record;
      const lifeMs = Math.max(1_000, Math.round(record.forgetAtMs - this.#now()));
      const sandboxId = sandboxOf(record);
      const change = this.#redis
        .multi()
        .set(this.#name('claim', claimId), this.#sealer.seal(record), 'PX', lifeMs)
        .set(this.#name('key', tenant, key), claimId, 'PX', lifeMs)
        .zadd(this.#name('claims', tenant), createdAtMs, claimId)
        .zadd(this.#name('all-claims'), createdAtMs, claimId)
        .sadd(this.#name('tenants'), tenant);
      if (sandboxId !== undefined) change.set(this.#name('sandbox', sandboxId), claimId, 'PX', lifeMs);
      await together(change);
    });
  }

  get(claimId: string): Promise<ClaimRecord | undefined> {
    return reach(async () => this.#opened(await this.#redis.get(this.#name('claim', claimId))));
  }

  findByKey(tenant: string, key: string): Promise<ClaimRecord | undefined> {
    return this.#byPointer(this.#name('key', tenant, key));
  }

  findBySandbox(sandboxId: string): Promise<ClaimRecord | undefined> {
    return this.#byPointer(this.#name('sandbox', sandboxId));
  }

  list(tenant: string | undefined, limit: number): Promise<ClaimRecord[]> {
    return reach(async () => {
      const index = tenant === undefined ? this.#name('all-claims') : this.#name('claims', tenant);
      const ids = await this.#redis.zrevrange(index, 0, limit - 1);
      if (ids.length === 0) return [];
      const texts = await this.#redis.mget(ids.map((claimId) => this.#name('claim', claimId)));
      return texts.flatMap((text) => this.#opened(text) ?? []);
    });
  }

  /** Records end by themselves; here the lists forget them. */
  sweep(nowMs: number): Promise<void> {
    return reach(async () => {
      const ids = await this.#redis.zrangebyscore(this.#name('all-claims'), 0, nowMs - 3_600_000, 'LIMIT', 0, 1_000);
      if (ids.length === 0) return;
      const texts = await this.#redis.mget(ids.map((claimId) => this.#name('claim', claimId)));
      const gone = ids.filter((_, index) => texts[index] === null);
      if (gone.length === 0) return;
      await this.#redis.zrem(this.#name('all-claims'), ...gone);
      for (const tenant of await this.#redis.smembers(this.#name('tenants'))) {
        await this.#redis.zrem(this.#name('claims', tenant), ...gone);
      }
    });
  }

  check(): Promise<void> {
    return reach(async () => void (await this.#redis.ping()));
  }

  async close(): Promise<void> {}

  #byPointer(pointer: string): Promise<ClaimRecord | undefined> {
    return reach(async () => {
      const claimId = await this.#redis.get(pointer);
      return claimId === null ? undefined : this.#opened(await this.#redis.get(this.#name('claim', claimId)));
    });
  }

  #opened(text: string | null): ClaimRecord | undefined {
    return text === null ? undefined : this.#sealer.open(text);
  }

  #name(...parts: string[]): string {
    // Encoded, so that no tenant and key can be read as another tenant and key.
    return [this.#prefix, ...parts.map(encodeURIComponent)].join(':');
  }
}
