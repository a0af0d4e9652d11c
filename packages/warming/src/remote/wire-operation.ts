import { z } from 'zod';
import { wireMissReason } from './wire-claims.js';
import { runtimeName } from './wire-common.js';

const step = z.strictObject({
  name: z.string(),
  run: z.string().min(1),
  cwd: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  after: z.array(z.string()).optional(),
  background: z.boolean().optional(),
  timeoutMs: z.number().int().positive().optional(),
});

const timeoutMs = z.number().int().positive().optional();

/** Body of `PUT /v1/runtimes/{name}`: a runtime's spec without its name. The engine checks it in full. */
export const wireRuntimeSpec = z.strictObject({
  template: z.string().min(1).optional(),
  packages: z.strictObject({ npm: z.array(z.string()).optional(), pip: z.array(z.string()).optional() }).optional(),
  files: z.record(z.string(), z.string()).optional(),
  steps: z.array(step).max(100).optional(),
  ready: z
    .union([
      z.strictObject({ port: z.number().int(), timeoutMs }),
      z.strictObject({ url: z.string(), timeoutMs }),
      z.strictObject({ file: z.string(), timeoutMs }),
      z.strictObject({ command: z.string(), timeoutMs }),
    ])
    .optional(),
  pool: z
    .strictObject({
      target: z.number().int().min(0).optional(),
      parked: z.number().int().min(0).optional(),
      max: z.number().int().min(1).optional(),
      onSpecChange: z.enum(['recreate', 'onReplenish']).optional(),
      link: z.boolean().optional(),
      generic: z.boolean().optional(),
    })
    .optional(),
  allowInternetAccess: z.boolean().optional(),
});

/** `shared` runtimes are the operator's and open to every tenant; `own` ones belong to the tenant that asks. */
const owner = z.enum(['shared', 'own']);

export const wireRuntime = z.object({ name: runtimeName, owner, template: z.string(), steps: z.number().int() });
export const wireRuntimeList = z.object({ runtimes: z.array(wireRuntime) });

const percentiles = z.object({
  samples: z.number().int(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
});

export const wirePool = z.object({
  runtime: z.string(),
  owner,
  state: z.enum(['running', 'paused', 'draining']),
  target: z.number(),
  hot: z.number(),
  parked: z.number(),
  warming: z.number(),
  claimed: z.number(),
  hitRate: z.number().min(0).max(1).nullable().describe('Share of claims answered HOT; null before the first'),
  claims: z.number().int(),
  misses: z.partialRecord(wireMissReason, z.number().int()),
  hotMs: percentiles.describe('Claim to hand-over of hot answers'),
  warmingMs: percentiles.describe('Claim to hand-over of claims that had to warm'),
  cost: z
    .object({
      currency: z.literal('USD'),
      spent: z.number(),
      wasted: z.number(),
      perSavedSecond: z.number().nullable(),
    })
    .nullable()
    .describe('From the price table of the configuration; null when none is known'),
  forecast: z
    .object({
      claimsPerHour: z.number(),
      claimWithin10MinProbability: z.number(),
      reasons: z.array(z.string()).describe('Why the target is what it is, most important first'),
    })
    .nullable()
    .describe('What the target policy expects; null when it knows nothing of the runtime'),
  demand: z
    .array(z.object({ atMs: z.number(), came: z.number(), forecast: z.number().nullable() }))
    .describe('Claims per minute of the last hour, and what was expected'),
});
export const wirePoolList = z.object({ pools: z.array(wirePool) });

/** Body of `PATCH /v1/pools/{runtime}`. */
export const wirePoolChange = z
  .strictObject({
    target: z.number().int().min(0).max(10_000).optional(),
    state: z.enum(['running', 'paused', 'draining']).optional(),
  })
  .refine((change) => change.target !== undefined || change.state !== undefined, 'give "target", "state" or both');

export const wireSnapshotLink = z.object({
  packKey: z.string(),
  snapshotId: z.string(),
  runtime: z.string().optional(),
  createdAtMs: z.number(),
  verifiedAtMs: z.number().optional().describe('When the provider last said that it has the snapshot'),
  expiresAtMs: z.number().optional(),
});
export const wireSnapshotList = z.object({ links: z.array(wireSnapshotLink) });

export const wireObjective = z.object({
  name: z.string(),
  indicator: z.enum(['hot_claim', 'warming_claim', 'hit_rate', 'terminal_connect']),
  target: z.number().describe('Milliseconds at the percentile, or a share for hit_rate'),
  percentile: z.number().optional(),
  measured: z.number().nullable(),
  burnRate: z.number().describe('1 uses up the error budget exactly in its period'),
  burning: z.boolean(),
});

export const wireUsage = z.object({
  tenant: z.string(),
  sinceMs: z.number(),
  claims: z.object({ hot: z.number().int(), warming: z.number().int(), failed: z.number().int() }),
  live: z.object({ claims: z.number().int(), warming: z.number().int() }),
  sandboxSeconds: z.number().describe('Of claimed sandboxes, hand-over to end'),
  objectives: z.array(wireObjective),
});

export const wireReadiness = z.object({
  ready: z.boolean(),
  checks: z.array(
    z.object({ name: z.string(), state: z.enum(['pass', 'wait', 'fail']), message: z.string().optional() }),
  ),
});

/** What a token may do; told by `GET /v1/session`. */
export const wireScope = z.enum([
  'claims',
  'intents',
  'events',
  'terminal',
  'runtimes:read',
  'runtimes:write',
  'pools:read',
  'pools:write',
  'snapshots:read',
  'snapshots:write',
  'usage',
  'operator',
]);
export const wireSession = z.object({
  tenant: z.string(),
  scopes: z.array(wireScope),
  version: z.string(),
  mode: z.enum(['dev', 'serve']),
});

export type WireObjective = z.output<typeof wireObjective>;
export type WirePool = z.output<typeof wirePool>;
export type WirePoolChange = z.output<typeof wirePoolChange>;
export type WireReadiness = z.output<typeof wireReadiness>;
export type WireRuntime = z.output<typeof wireRuntime>;
export type WireRuntimeSpec = z.output<typeof wireRuntimeSpec>;
export type WireScope = z.output<typeof wireScope>;
export type WireSession = z.output<typeof wireSession>;
export type WireSnapshotLink = z.output<typeof wireSnapshotLink>;
export type WireUsage = z.output<typeof wireUsage>;
