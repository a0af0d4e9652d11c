import { createHash } from 'node:crypto';
import { WarmerError } from '../errors.js';

/** An answer that a repeated request gets again. */
export interface StoredAnswer {
  status: number;
  /** JSON text. */
  body: string;
}

/**
 * Remembers the answers of requests that carried an `Idempotency-Key`, for a day. Answers of claims are not kept here:
 * they hold secrets, and the claim itself is idempotent by its key.
 */
export interface IdempotencyStore {
  /**
   * Atomic. `new` gives the key to the caller, who must end with `finish` or `abandon`; `running` means that another
   * request has it now.
   */
  begin(
    key: string,
    fingerprint: string,
  ): Promise<{ kind: 'new' } | { kind: 'running' } | { kind: 'conflict' } | { kind: 'done'; answer: StoredAnswer }>;
  finish(key: string, fingerprint: string, answer: StoredAnswer): Promise<void>;
  abandon(key: string): Promise<void>;
}

export const rememberAnswersMs = 86_400_000;

export function fingerprintOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('base64url');
}

/** Does the work once for a key; a repeated request gets the first one's answer. */
export async function once(
  store: IdempotencyStore,
  request: { key: string | undefined; tenant: string; fingerprint: string },
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer & { replayed: boolean }> {
  if (request.key === undefined) return { ...(await work()), replayed: false };
  const key = fingerprintOf(request.tenant, request.key);
  const begun = await store.begin(key, request.fingerprint);
  switch (begun.kind) {
    case 'done':
      return { ...begun.answer, replayed: true };
    case 'conflict':
      throw new WarmerError(
        'idempotency_conflict',
        'This Idempotency-Key was used for another request. Use a new key for a new request.',
      );
    case 'running':
      throw new WarmerError('unavailable', 'The same request is being answered. Ask again in a second.', {
        retryAfterMs: 1_000,
      });
    case 'new': {
      try {
        const answer = await work();
        await store.finish(key, request.fingerprint, answer);
        return { ...answer, replayed: false };
      } catch (error) {
        await store.abandon(key);
        throw error;
      }
    }
  }
}
