import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { ClaimHistory, PastClaim } from '../history/history.js';
import { claimSource } from '../history/source.js';
import { reach, together } from './redis-reach.js';

const page = 1_000;

/** Short, for there are many: time, pool, source, waited, used. */
const line = z.tuple([z.number(), z.string(), claimSource.nullable(), z.number().nullable(), z.number().nullable()]);

/** Past claims of all replicas: a list by time, and a line for each. */
export class RedisClaimHistory implements ClaimHistory {
  readonly #redis: Redis;
  readonly #times: string;
  readonly #lines: string;

  constructor(parts: { redis: Redis; prefix: string }) {
    this.#redis = parts.redis;
    this.#times = `${parts.prefix}:history:times`;
    this.#lines = `${parts.prefix}:history:lines`;
  }

  put(claims: readonly PastClaim[]): Promise<void> {
    return reach(async () => {
      for (let first = 0; first < claims.length; first += page) {
        const part = claims.slice(first, first + page);
        const times = part.flatMap(({ atMs, claimId }) => [Math.round(atMs), claimId]);
        const lines = part.flatMap((claim) => [claim.claimId, lineOf(claim)]);
        await together(
          this.#redis
            .multi()
            .zadd(this.#times, ...times)
            .hset(this.#lines, ...lines),
        );
      }
    });
  }

  async *read(fromMs: number): AsyncIterable<PastClaim> {
    let at = await reach(() => this.#redis.zcount(this.#times, '-inf', `(${Math.round(fromMs)}`));
    while (true) {
      const ids = await reach(() => this.#redis.zrange(this.#times, String(at), String(at + page - 1)));
      if (ids.length === 0) return;
      const lines = await reach(() => this.#redis.hmget(this.#lines, ...ids));
      for (const [index, claimId] of ids.entries()) {
        const text = lines[index];
        if (text) yield pastClaimOf(claimId, text);
      }
      at += ids.length;
    }
  }

  forget(beforeMs: number, most: number): Promise<void> {
    return reach(async () => {
      const old = await this.#redis.zcount(this.#times, '-inf', `(${Math.round(beforeMs)}`);
      let left = Math.max(old, (await this.#redis.zcard(this.#times)) - most);
      while (left > 0) {
        const ids = await this.#redis.zrange(this.#times, '0', String(Math.min(left, page) - 1));
        if (ids.length === 0) return;
        await together(
          this.#redis
            .multi()
            .hdel(this.#lines, ...ids)
            .zrem(this.#times, ...ids),
        );
        left -= ids.length;
      }
    });
  }

  async close(): Promise<void> {}
}

function lineOf({ atMs, pool, source, waitedMs, usedMs }: PastClaim): string {
  return JSON.stringify([Math.round(atMs), pool, source ?? null, waitedMs ?? null, usedMs ?? null]);
}

function pastClaimOf(claimId: string, text: string): PastClaim {
  const [atMs, pool, source, waitedMs, usedMs] = line.parse(JSON.parse(text));
  return {
    claimId,
    atMs,
    pool,
    ...(source === null ? {} : { source }),
    ...(waitedMs === null ? {} : { waitedMs }),
    ...(usedMs === null ? {} : { usedMs }),
  };
}
