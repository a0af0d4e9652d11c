import type { ChainableCommander } from 'ioredis';
import { WarmerError } from '../errors.js';

/** A call to Redis; a failure says that the store is away, and when to ask again. */
export async function reach<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    throw new WarmerError('unavailable', 'The store is away. Try again in a few seconds.', {
      cause: error,
      retryAfterMs: 2_000,
    });
  }
}

/** Sends commands together. @throws what the first of them that failed says */
export async function together(commands: ChainableCommander): Promise<void> {
  const results = await commands.exec();
  const failed = results?.find(([error]) => error)?.[0];
  if (!results || failed) throw failed ?? new Error('the change was not made');
}
