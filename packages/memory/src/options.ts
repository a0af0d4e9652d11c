import { z } from 'zod';
import type { Clock, Randomness } from './clock.js';
import { MemoryError } from './errors.js';
import type { MemorySource } from './source.js';
import { type Redactor, redactSecrets } from './text/redact.js';
import { estimateTokens, type TokenCounter } from './text/tokens.js';

/** How a {@link Memory} behaves. Every option has a default. */
export interface MemoryOptions {
  /** Where memories live. @default the embedded store */
  source?: MemorySource;
  /** File of the embedded store; only without {@link source}. @default none: memories live as long as the process */
  path?: string;
  /** Age up to which a context is taken from the cache without a question, in milliseconds. @default 60_000 */
  ttlMs?: number;
  /** Age up to which an older context is served while a new one is fetched, in milliseconds. @default 600_000 */
  staleMs?: number;
  /** Longest wait of `context` for the source, in milliseconds. @default 800 */
  deadlineMs?: number;
  /** Longest wait of `injection` for the source, in milliseconds. @default 250 */
  injectionDeadlineMs?: number;
  /** Longest read of a source, in milliseconds. @default 2_000 */
  readTimeoutMs?: number;
  /** Longest write to a source, in milliseconds. @default 10_000 */
  writeTimeoutMs?: number;
  /** How long a failing source is left alone when it does not say, in milliseconds. @default 1_000 */
  pauseMs?: number;
  /** Users whose context is kept. @default 1_000 */
  maxUsers?: number;
  /** Memories of one user that a context picks from without asking the source's search. At most 200. @default 200 */
  snapshotItems?: number;
  /** Longest memory that can be stored; longer ones from a source are cut. In characters. @default 20_000 */
  longestMemoryChars?: number;
  /** Longest memory in a context, in characters. @default 500 */
  longestItemChars?: number;
  /** Removes credentials on write and on read. @default redactSecrets */
  redact?: Redactor;
  /** @default estimateTokens */
  countTokens?: TokenCounter;
  /** @default the system's */
  clock?: Clock;
  /** @default the system's */
  randomness?: Randomness;
}

const milliseconds = z.number().int().min(0).max(86_400_000);
const timeout = z.number().int().min(1).max(3_600_000);

const shape = z.strictObject({
  source: z
    .custom<MemorySource>(
      (value) => typeof value === 'object' && value !== null && 'search' in value,
      'must be a memory source',
    )
    .optional(),
  path: z.string().min(1).optional(),
  ttlMs: milliseconds.default(60_000),
  staleMs: milliseconds.default(600_000),
  deadlineMs: timeout.default(800),
  injectionDeadlineMs: timeout.default(250),
  readTimeoutMs: timeout.default(2_000),
  writeTimeoutMs: timeout.default(10_000),
  pauseMs: milliseconds.default(1_000),
  maxUsers: z.number().int().min(1).max(1_000_000).default(1_000),
  snapshotItems: z.number().int().min(1).max(200).default(200),
  longestMemoryChars: z.number().int().min(100).max(1_000_000).default(20_000),
  longestItemChars: z.number().int().min(20).max(20_000).default(500),
  redact: z.custom<Redactor>((value) => typeof value === 'function', 'must be a function').default(() => redactSecrets),
  countTokens: z
    .custom<TokenCounter>((value) => typeof value === 'function', 'must be a function')
    .default(() => estimateTokens),
  clock: z
    .custom<Clock>((value) => typeof value === 'object' && value !== null && 'nowMs' in value, 'must be a clock')
    .optional(),
  randomness: z
    .custom<Randomness>((value) => typeof value === 'object' && value !== null && 'uuid' in value, 'must have uuid()')
    .optional(),
});

/** Options with every default in place. */
export type SettledOptions = MemoryOptions & Required<Omit<MemoryOptions, 'source' | 'path' | 'clock' | 'randomness'>>;

/**
 * @throws MemoryError with code `invalid_option`, naming each wrong option
 */
export function settle(options: MemoryOptions): SettledOptions {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || '(options)'}: ${issue.message}`);
    throw new MemoryError(
      'invalid_option',
      `The memory options are not valid:\n${lines.join('\n')}\nCorrect them and try again.`,
    );
  }
  if (parsed.data.source !== undefined && parsed.data.path !== undefined) {
    throw new MemoryError('invalid_option', 'path belongs to the embedded store. Give either source or path.');
  }
  return parsed.data as SettledOptions;
}

const contextShape = z.object({
  query: z.string().optional(),
  tokenBudget: z.number().int().min(0).max(1_000_000).default(1_000),
  maxItems: z.number().int().min(0).max(1_000).default(50),
  deadlineMs: timeout.optional(),
});
const searchShape = z.object({
  topK: z.number().int().min(1).max(1_000).default(10),
  threshold: z.number().min(0).default(0),
  rerank: z.boolean().default(false),
});
const listShape = z.object({
  page: z.number().int().min(1).max(1_000_000).default(1),
  pageSize: z.number().int().min(1).max(200).default(100),
});
const messageShape = z
  .array(z.object({ role: z.enum(['user', 'assistant', 'system']), content: z.string() }))
  .min(1)
  .max(1_000);
const writeShape = z.object({
  metadata: z.record(z.string(), z.unknown()).optional(),
  categories: z.array(z.string().min(1).max(100)).max(50).optional(),
  infer: z.boolean().optional(),
  expirationDate: z.iso.date().optional(),
});
const updateShape = z.object({
  text: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  expirationDate: z.iso.date().optional(),
});
const idShape = z.string().regex(/^[A-Za-z0-9][\w-]{0,127}$/, 'must be the id of a memory');

/** The arguments of each call, with defaults. */
export const checked = {
  context: checker('context', contextShape),
  search: checker('search', searchShape),
  getAll: checker('getAll', listShape),
  messages: checker('add', messageShape),
  write: checker('add', writeShape),
  update: checker('update', updateShape),
  id: checker('id', idShape),
};

function checker<Shape extends z.ZodType>(call: string, accepted: Shape): (value: unknown) => z.output<Shape> {
  return (value) => {
    const parsed = accepted.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    throw new MemoryError(
      'invalid_option',
      `${[call, ...issue.path].join('.')} is not valid: ${issue.message}. Correct it and try again.`,
    );
  };
}
