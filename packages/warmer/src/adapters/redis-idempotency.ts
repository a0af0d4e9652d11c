import type { Redis } from 'ioredis';
import { type IdempotencyStore, rememberAnswersMs, type StoredAnswer } from '../http/idempotency.js';
import { reach } from './redis-reach.js';

type Entry = { fingerprint: string; answer?: StoredAnswer };

/** How long a request may take before its key is free again, should its replica have died. */
const runningMs = 60_000;

/** Answers remembered by all replicas. */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(parts: { redis: Redis; prefix: string }) {
    this.#redis = parts.redis;
    this.#prefix = parts.prefix;
  }

  async begin(key: string, fingerprint: string): ReturnType<IdempotencyStore['begin']> {
    const name = this.#name(key);
    const mine: Entry = { fingerprint };
    const known = await reach(async () => {
      const taken = await this.#redis.set(name, JSON.stringify(mine), 'PX', runningMs, 'NX');
      return taken === 'OK' ? undefined : await this.#redis.get(name);
    });
    if (known === undefined) return { kind: 'new' };
    if (known === null) return { kind: 'running' };
    const entry = JSON.parse(known) as Entry;
    if (entry.fingerprint !== fingerprint) return { kind: 'conflict' };
    return entry.answer ? { kind: 'done', answer: entry.answer } : { kind: 'running' };
  }

  async finish(key: string, fingerprint: string, answer: StoredAnswer): Promise<void> {
    const entry: Entry = { fingerprint, answer };
    await reach(() => this.#redis.set(this.#name(key), JSON.stringify(entry), 'PX', rememberAnswersMs));
  }

  async abandon(key: string): Promise<void> {
    await reach(() => this.#redis.del(this.#name(key)));
  }

  #name(key: string): string {
    return `${this.#prefix}:once:${key}`;
  }
}
