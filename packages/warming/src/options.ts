import type { Clock } from './clock.js';
import { InvalidSpecError } from './errors.js';
import type { Ledger } from './ledger/ledger.js';
import type { SnapshotLinkStore } from './pool/links.js';
import type { SandboxProvider } from './provider.js';
import type { Runtime } from './runtime.js';
import * as z from './schema.js';
import type { TargetPolicy } from './target/target.js';

/** Options of {@link RuntimeWarmingManager}. */
export interface RuntimeWarmingManagerOptions {
  /** Who runs the sandboxes; `e2bProvider()` of `@pilotlight/warming/e2b`. */
  provider: SandboxProvider;
  /** Runtimes to keep warm; more can be added with `define`. @default [] */
  runtimes?: readonly Runtime[];
  /** Durable record of slots and claims. @default in memory, ends with the process */
  ledger?: Ledger;
  /** Name under which replicas share a ledger and find their sandboxes again. @default a fresh one, for this process only */
  fleet?: string;
  /** How many hot and parked sandboxes to keep. @default the forecast, for each runtime that names no `target` of its own */
  targetPolicy?: TargetPolicy;
  /** Where snapshot links are kept. @default the ledger */
  linkStore?: SnapshotLinkStore;
  /** What becomes of snapshot links at `close`. @default 'delete' unless they outlive this process */
  links?: 'keep' | 'delete';
  /** Creates, shared by claims, refill and speculation, in that order. */
  budget?: BudgetOptions;
  /** Generic sandboxes to keep per base template, for all runtimes that may be answered by one. @default {} */
  generic?: Record<string, number>;
  /** Time for a claimant to acknowledge, and for a replica to show that it still works on a slot, in milliseconds. @default 30_000 */
  leaseMs?: number;
  /** Life of a pooled sandbox between renewals, in milliseconds. @default 1_800_000 */
  slotLifeMs?: number;
  /** Longest life the provider's plan allows, in milliseconds; E2B: 1 hour on Hobby, 24 hours on Pro. @default 3_600_000 */
  maxLifeMs?: number;
  /** How long a paused sandbox is kept, in milliseconds. @default 86_400_000 */
  parkedLifeMs?: number;
  /** Wait between the answer to a hot claim and its refill, so that the claimant's first command goes first. @default 50 */
  refillDelayMs?: number;
  /** How often the provider's list is compared with the ledger, in milliseconds. @default 30_000 */
  sweepMs?: number;
  /** Age from which a sandbox that no record knows is killed, in milliseconds. With `sweepMs` it bounds the life of an orphan. @default 60_000 */
  orphanGraceMs?: number;
  /** Longest wait of a hot claim for memories that are still on their way, in milliseconds. @default 5 */
  memoryWaitMs?: number;
  /** Claims one tenant may have at once. @default no limit */
  tenantMaxClaims?: number;
  /** Intents that may be open at once; each may cost one sandbox. @default 20 */
  maxIntents?: number;
  /** Passphrase under which a shared ledger gets the secrets of connections. Without it, another replica asks the provider for them. */
  connectionKey?: string;
  /** Prices of the provider, for the cost in `stats`. */
  prices?: PriceOptions;
  /** @default the system's clock */
  clock?: Clock;
  /** In [0, 1); spreads retries. @default `Math.random` */
  random?: () => number;
  /** @default `crypto.randomUUID` */
  newId?: () => string;
}

/** Limits of the provider's plan. */
export interface BudgetOptions {
  /** E2B: 1 on Hobby, 5 on Pro. @default 5 */
  createsPerSecond?: number;
  /** Creates at once after a pause. @default 5 */
  burst?: number;
  /** Create calls under way at once. @default 10 */
  maxConcurrentCreates?: number;
  /** Sandboxes running at once; E2B: 20 on Hobby, 100 on Pro. A lower limit is learned. @default 100 */
  maxSandboxes?: number;
  /** After the provider had no room, when one start is tried again, in milliseconds. @default 15_000 */
  probeAfterMs?: number;
  /** Claims that may wait for their turn at once. @default 1_000 */
  queueLimit?: number;
  /** Longest wait of a claim for its turn, in milliseconds. @default 60_000 */
  queueTimeoutMs?: number;
}

/** In US dollars. */
export interface PriceOptions {
  /** @default 0.000014, E2B's price as of its FAQ */
  perVcpuSecond?: number;
  /** @default 0.0000045, E2B's price as of its FAQ */
  perGibSecond?: number;
  /** Processors of one sandbox. @default 2 */
  vcpus?: number;
  /** Memory of one sandbox in GiB. @default 0.5 */
  gib?: number;
}

function makeSettingsSchema() {
  const count = z.number().int().min(1);
  const duration = z.number().int().positive();
  const hasMethods = (...names: string[]) =>
    z.custom<object>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        names.every((name) => typeof Reflect.get(value, name) === 'function'),
      `must have the methods ${names.join(', ')}`,
    );
  const callable = z.custom<() => unknown>((value) => typeof value === 'function', 'must be a function');

  return z.strictObject({
    provider: hasMethods('create', 'connect', 'attach', 'list', 'info', 'kill', 'setTimeout'),
    runtimes: z.array(z.unknown()).default([]),
    ledger: hasMethods('open', 'reserve', 'take', 'write').optional(),
    fleet: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'use 1 to 64 letters, digits, ".", "_" or "-"')
      .optional(),
    targetPolicy: hasMethods('observe', 'decide').optional(),
    linkStore: hasMethods('resolve', 'save', 'drop').optional(),
    links: z.enum(['keep', 'delete']).optional(),
    budget: z
      .strictObject({
        createsPerSecond: z.number().positive().default(5),
        burst: count.default(5),
        maxConcurrentCreates: count.default(10),
        maxSandboxes: count.default(100),
        probeAfterMs: duration.default(15_000),
        queueLimit: count.default(1_000),
        queueTimeoutMs: duration.default(60_000),
      })
      .prefault({}),
    generic: z.record(z.string().min(1), z.number().int().min(0)).default({}),
    leaseMs: duration.default(30_000),
    slotLifeMs: duration.default(1_800_000),
    maxLifeMs: duration.default(3_600_000),
    parkedLifeMs: duration.default(86_400_000),
    refillDelayMs: z.number().int().min(0).default(50),
    sweepMs: duration.default(30_000),
    orphanGraceMs: duration.default(60_000),
    memoryWaitMs: z.number().int().min(0).default(5),
    tenantMaxClaims: count.default(Number.MAX_SAFE_INTEGER),
    maxIntents: count.default(20),
    connectionKey: z.string().min(16, 'use at least 16 characters').optional(),
    prices: z
      .strictObject({
        perVcpuSecond: z.number().min(0).default(0.000014),
        perGibSecond: z.number().min(0).default(0.0000045),
        vcpus: z.number().positive().default(2),
        gib: z.number().positive().default(0.5),
      })
      .prefault({}),
    clock: hasMethods('nowMs', 'monotonicMs', 'schedule').optional(),
    random: callable.optional(),
    newId: callable.optional(),
  });
}

const settingsSchema = z.madeOnce(makeSettingsSchema);

/** The options with every default filled in, without the ports. */
export type EngineSettings = Readonly<
  Omit<
    z.output<ReturnType<typeof makeSettingsSchema>>,
    'provider' | 'runtimes' | 'ledger' | 'targetPolicy' | 'linkStore' | 'clock' | 'random' | 'newId'
  >
>;

/** Values that an error must not repeat. */
const hidden = new Set(['connectionKey', 'provider', 'ledger', 'linkStore', 'targetPolicy']);

/** @throws {@link InvalidSpecError} naming every wrong option with the value given */
export function parseOptions(options: RuntimeWarmingManagerOptions): EngineSettings {
  const parsed = settingsSchema().safeParse(options);
  if (parsed.success) return parsed.data;
  throw new InvalidSpecError('Options of RuntimeWarmingManager', issuesOf(parsed.error, options, hidden));
}

/** Issues in our words: one per wrong field, unknown fields included. */
export function issuesOf(error: z.ZodError, given: unknown, secret: ReadonlySet<string> = new Set()) {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    const fields = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    return fields.map((field) => ({
      path: field.join('.') || '(all)',
      message: issue.code === 'unrecognized_keys' ? 'is not known' : issue.message,
      value: secret.has(field[0] ?? '')
        ? '(hidden)'
        : field.reduce<unknown>((value, key) => Reflect.get(Object(value), key), given),
    }));
  });
}
