import type { MemoryErrorCode } from '../errors.js';
import type { CallOptions, MemoryScope } from '../types.js';
import type { MemoryPrompt } from './prompt.js';

/** One memory as a context shows it. */
export interface ContextItem {
  readonly id: string;
  readonly memory: string;
  /** Day of its last change, `YYYY-MM-DD`; absent when the source does not say. */
  readonly date?: string;
}

/**
 * How good a context is.
 *
 * - `fresh`: asked the source for this call
 * - `cached`: younger than the TTL
 * - `stale`: older than the TTL; a newer one is being fetched
 * - `timeout`: the source did not answer in time; what was known before, or nothing
 * - `error`: the source failed; what was known before, or nothing
 */
export type ContextStatus = 'fresh' | 'cached' | 'stale' | 'timeout' | 'error';

export interface ContextOptions extends MemoryScope, CallOptions {
  /** What the context is for, usually the user's message. Only used when not everything fits. */
  query?: string;
  /** Most tokens of the rendered block. @default 1000 */
  tokenBudget?: number;
  /** @default 50 */
  maxItems?: number;
  /** Longest wait for the source, in milliseconds; after it the answer is what is known. @default 800 */
  deadlineMs?: number;
}

/** Why a context is not fresh, without a key or the text of a memory. */
export interface ContextFailure {
  code: MemoryErrorCode;
  message: string;
  retryAfterMs?: number;
}

export interface MemoryContext {
  readonly status: ContextStatus;
  /** Newest first. */
  readonly items: readonly ContextItem[];
  /** Tokens of {@link prompt}; at most the budget. */
  readonly tokens: number;
  /** How many memories found no room. */
  readonly omitted: number;
  /** When the source was asked, in epoch milliseconds; absent when it never answered. */
  readonly asOfMs?: number;
  readonly elapsedMs: number;
  readonly prompt: MemoryPrompt;
  readonly failure?: ContextFailure;
}
