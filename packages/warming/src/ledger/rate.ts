import type { CreateRate } from './ledger.js';

/** A bucket of tokens at a moment. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes one token, or says how long until there is one. Time that fell since gives no tokens. */
export function spend(
  bucket: Bucket | undefined,
  rate: CreateRate,
  nowMs: number,
): { readonly bucket: Bucket; readonly retryInMs: number | undefined } {
  const elapsedMs = bucket ? Math.max(0, nowMs - bucket.atMs) : 0;
  const tokens = bucket ? Math.min(rate.burst, bucket.tokens + (elapsedMs / 1000) * rate.perSecond) : rate.burst;
  const needed = 1 + Math.min(rate.leave, rate.burst - 1);
  // Fractions of a token add up with rounding errors; a waiter must not find its token a hair short.
  if (tokens + 1e-6 < needed) {
    return { bucket: { tokens, atMs: nowMs }, retryInMs: Math.ceil(((needed - tokens) / rate.perSecond) * 1000) };
  }
  return { bucket: { tokens: tokens - 1, atMs: nowMs }, retryInMs: undefined };
}
