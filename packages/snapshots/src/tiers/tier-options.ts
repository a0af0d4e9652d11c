import { z } from 'zod';
import { type Clock, systemClock } from '../clock.js';
import { SnapshotError } from '../errors.js';
import type { Tier, TierKey } from './tier.js';

const hourMs = 3_600_000;

/** How long each level keeps what it has: hot 24 hours, warm 7 days, archive one year. */
export const tierLevels = {
  hot: { ttlMs: 24 * hourMs },
  warm: { ttlMs: 7 * 24 * hourMs },
  archive: { ttlMs: 365 * 24 * hourMs },
} as const;

/** One tier and how it is used. Nearest first. */
export interface TierUse {
  tier: Tier;
  /** Decides the default `ttlMs`. @default 'warm' */
  level?: 'hot' | 'warm' | 'archive';
  /** How long it keeps an object. @default that of the level: 24 h, 7 d or 1 y */
  ttlMs?: number;
  /** Larger objects pass it by. @default 67_108_864 */
  maximumObjectBytes?: number;
  /** A slower answer counts as none. @default 10_000 */
  timeoutMs?: number;
  /** `through`: a put waits for it; `back`: it is written afterwards, with retries; `never`: reads only. @default 'through' */
  write?: 'through' | 'back' | 'never';
  /** Keep here what was found farther away. @default true */
  promote?: boolean;
  /** @default 'auto' */
  compression?: 'auto' | 'never';
}

/** A tier that did not do what it should; the others were asked instead. */
export interface TierProblem {
  tier: string;
  key: TierKey;
  problem: 'corrupt' | 'timeout' | 'failed';
  error: Error;
}

export interface TieredOptions {
  tiers: readonly TierUse[];
  /** How long a key that no tier has is not asked for again. @default 5_000 */
  negativeTtlMs?: number;
  /** How long a tier that timed out is passed by. @default 30_000 */
  bypassMs?: number;
  /** Requests at once. @default 4 */
  concurrency?: number;
  /** Tries of a write in the background. @default 4 */
  writeAttempts?: number;
  /** Told of every tier that was bypassed. Must not throw. */
  onProblem?: (problem: TierProblem) => void;
  /** @default the clock of this machine */
  clock?: Clock;
}

export type ParsedTierUse = Required<TierUse>;
export type ParsedTieredOptions = Required<Omit<TieredOptions, 'tiers' | 'onProblem'>> & {
  tiers: ParsedTierUse[];
  onProblem: (problem: TierProblem) => void;
};

const positive = z.number().int().positive();

const useSchema = z
  .strictObject({
    tier: z.custom<Tier>((value) => typeof (value as Tier | undefined)?.get === 'function', 'is no tier'),
    level: z.enum(['hot', 'warm', 'archive']).default('warm'),
    ttlMs: positive.optional(),
    maximumObjectBytes: positive.default(64 * 1024 * 1024),
    timeoutMs: positive.default(10_000),
    write: z.enum(['through', 'back', 'never']).default('through'),
    promote: z.boolean().default(true),
    compression: z.enum(['auto', 'never']).default('auto'),
  })
  .transform((use) => ({
    ...use,
    ttlMs: use.ttlMs ?? tierLevels[use.level].ttlMs,
    write: use.tier.put ? use.write : ('never' as const),
    promote: use.promote && use.tier.put !== undefined,
  }));

const optionsSchema = z.strictObject({
  tiers: z.array(useSchema).min(1, 'give at least one tier'),
  negativeTtlMs: z.number().int().min(0).default(5_000),
  bypassMs: z.number().int().min(0).default(30_000),
  concurrency: positive.default(4),
  writeAttempts: positive.default(4),
  onProblem: z.custom<(problem: TierProblem) => void>().default(() => () => {}),
  clock: z.custom<Clock>().default(systemClock),
});

/** @throws {@link SnapshotError} `invalid_option` */
export function parseTieredOptions(options: TieredOptions): ParsedTieredOptions {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new SnapshotError(
    'invalid_option',
    `Option "${issue.path.join('.')}" of the tiers cannot be used: ${issue.message}. Correct it.`,
  );
}
