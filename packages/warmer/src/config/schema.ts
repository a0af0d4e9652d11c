import { wireScope } from '@pilotlight/warming/wire';
import { z } from 'zod';

const text = z.string().min(1);
const count = z.number().int().min(1);
const durationMs = z.number().int().min(0);

const token = z.strictObject({
  id: text,
  tenant: text,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is not the hash that "pilotlight token" prints'),
  scopes: z.array(wireScope).min(1),
  expiresAtMs: z.number().optional(),
  requestsPerSecond: z.number().positive().optional(),
});

const objective = z.strictObject({
  name: text,
  indicator: z.enum(['hot_claim', 'warming_claim', 'hit_rate', 'terminal_connect']),
  percentile: z.number().gt(0).lt(100).optional().describe('For the indicators in milliseconds'),
  target: z.number().positive().describe('Milliseconds, or a share for hit_rate'),
  windowMs: durationMs.default(3_600_000),
  alertAtBurnRate: z.number().positive().default(2).describe('1 uses up the budget exactly in its window'),
});

const store = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('memory') }),
  z.strictObject({ kind: z.literal('sqlite'), path: text.default('.pilotlight/warmer.db') }),
  z.strictObject({ kind: z.literal('redis'), url: z.url(), prefix: text.default('pilotlight') }),
]);

const words = z.array(text).default([]);

const template = z.strictObject({
  name: text.describe('A template of this name that is there stays as it is: a changed recipe takes a new name'),
  from: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('template'), name: text }),
    z.strictObject({ kind: z.literal('image'), name: text }),
  ]),
  apt: words,
  npm: words,
  pip: words,
  env: z.record(text, z.string()).default({}),
  run: words.describe('Shell commands, in order'),
  start: text.optional().describe('Runs in every sandbox of the template'),
  ready: text.optional().describe('Command that succeeds when `start` is ready'),
  cpuCount: count.optional(),
  memoryMb: count.optional(),
});

/** The one schema of everything the service can be told: by file, by environment, by flags. */
export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      host: text.default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(7700),
      publicUrl: z.url().optional().describe('How clients reach the service when a proxy stands before it'),
    })
    .prefault({}),
  provider: z
    .strictObject({
      kind: z.enum(['e2b', 'local']).default('e2b').describe('`local` runs the embedded host on this machine'),
      apiKey: text.optional().describe('Secret; better as E2B_API_KEY'),
      apiUrl: z.url().optional(),
      sandboxUrl: z.url().optional(),
      domain: text.optional(),
    })
    .prefault({}),
  store: store.prefault({ kind: 'sqlite' }),
  sealKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'give 32 bytes in hex, as "pilotlight token --seal-key" prints them')
    .optional()
    .describe('Secret; seals sandbox tokens in the store. The same on every replica. Required with redis'),
  fleet: text.default('default').describe('Sandboxes of another fleet are never touched'),
  tokens: z.array(token).default([]),
  allowAnonymousLoopback: z.boolean().default(false).describe('Development only: no token needed on this machine'),
  cors: z.strictObject({ origins: z.array(z.url()).default([]) }).prefault({}),
  limits: z
    .strictObject({
      bodyBytes: count.default(8_388_608),
      requestsPerSecond: z.number().positive().default(500).describe('Per token'),
      failedLoginsPerMinute: count.default(30).describe('Per address'),
      followersPerTenant: count.default(5_000),
      terminalsPerTenant: count.default(100),
      runtimesPerTenant: count.default(50),
      intents: count.default(200).describe('Open at once, of all tenants'),
      intentsPerTenant: count.default(20),
      unreadBytes: count.default(1_048_576).describe('A follower that leaves more unread is cut off'),
    })
    .prefault({}),
  budget: z
    .strictObject({
      createsPerSecond: z.number().positive().default(5).describe('E2B: 1 on Hobby, 5 on Pro'),
      maxConcurrentCreates: count.default(10),
      maxSandboxes: count.default(100).describe('E2B: 20 on Hobby, 100 on Pro'),
    })
    .prefault({}),
  recovery: z
    .strictObject({
      leaseMs: count.default(30_000).describe('Time for a claimant to ack, and for a replica to show that it lives'),
      sweepMs: count.default(30_000).describe('How often the provider is compared with the ledger'),
      orphanGraceMs: count.default(60_000).describe('Age from which an unknown sandbox of the fleet is killed'),
    })
    .prefault({}),
  prices: z
    .strictObject({
      perVcpuSecond: z.number().min(0).default(0.000014),
      perGibSecond: z.number().min(0).default(0.0000045),
      vcpus: z.number().positive().default(2),
      gib: z.number().positive().default(0.5),
    })
    .prefault({})
    .describe('US dollars; the defaults are E2B list price and default size as of its FAQ'),
  objectives: z.array(objective).default([
    { name: 'hot claims', indicator: 'hot_claim', percentile: 99, target: 50, windowMs: 3_600_000, alertAtBurnRate: 2 },
    {
      name: 'warming claims',
      indicator: 'warming_claim',
      percentile: 95,
      target: 30_000,
      windowMs: 3_600_000,
      alertAtBurnRate: 2,
    },
    { name: 'hit rate', indicator: 'hit_rate', target: 0.9, windowMs: 3_600_000, alertAtBurnRate: 2 },
  ]),
  snapshots: z
    .strictObject({
      directory: text.optional().describe('Where snapshot links lie with a SQLite store; by default beside it'),
      linkTtlMs: count.default(2_592_000_000).describe('Life of a link that no runtime uses, with a SQLite store'),
      verifyEveryMs: count
        .default(3_600_000)
        .describe('How often the provider is asked for the snapshots of all links'),
    })
    .prefault({}),
  templates: z.array(template).default([]).describe('Built at start when they are not there'),
  runtimes: z.array(z.record(z.string(), z.unknown())).default([]).describe('Open to every tenant'),
  history: z
    .strictObject({
      days: z
        .number()
        .min(0)
        .default(14)
        .describe('How long past claims are kept for "pilotlight replay"; 0 keeps none'),
      claims: count.default(1_000_000).describe('Kept at most; the oldest go first'),
    })
    .prefault({})
    .describe('Time, runtime, source, wait and use of each claim; nothing of a tenant or a user'),
  drainMs: durationMs.default(15_000).describe('How long running claims may take to end after SIGTERM'),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info') })
    .prefault({}),
  telemetry: z.strictObject({ otlpUrl: z.url().optional() }).prefault({}),
});

/** Everything the service was told, with every default filled in. */
export type WarmerConfig = z.output<typeof configSchema>;
/** What a configuration file may say. */
export type WarmerConfigInput = z.input<typeof configSchema>;
export type ObjectiveConfig = z.output<typeof objective>;
