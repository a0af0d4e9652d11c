import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { CounterMaker } from '../http/limits.js';

/** Counters of all replicas. While Redis is away each replica counts for itself: a limit is no reason to refuse. */
export function redisCounters(redis: Redis, prefix: string): CounterMaker {
  return (name, points, duration) =>
    new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `${prefix}:count:${name}`,
      points,
      duration,
      // Who is over the limit costs Redis nothing until the time is up.
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory({ points, duration }),
    });
}
