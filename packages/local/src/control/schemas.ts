import { z } from 'zod';

const seconds = z.number().int().min(0).max(2_147_483);
const texts = z.record(z.string(), z.string());

const network = z.looseObject({
  allowOut: z.array(z.string()).optional(),
  denyOut: z.array(z.string()).optional(),
  rules: z.record(z.string(), z.unknown()).optional(),
  egressProxy: z
    .object({ address: z.string(), username: z.string().optional(), password: z.string().optional() })
    .optional(),
  allowPublicTraffic: z.boolean().optional(),
  maskRequestHost: z.string().optional(),
  httpsPorts: z.unknown().optional(),
});

export const createBody = z.object({
  templateID: z.string().min(1),
  timeout: seconds.optional(),
  metadata: texts.optional(),
  envVars: texts.optional(),
  allow_internet_access: z.boolean().nullish(),
  network: network.nullish(),
  autoPause: z.boolean().optional(),
  autoPauseMemory: z.boolean().optional(),
  autoResume: z.object({ enabled: z.boolean() }).nullish(),
  volumeMounts: z.array(z.object({ name: z.string(), path: z.string() })).nullish(),
});

export const connectBody = z.object({ timeout: seconds.optional(), memory: z.boolean().optional() });
export const timeoutBody = z.object({ timeout: seconds });
export const pauseBody = z.object({ memory: z.boolean().optional() });
export const snapshotBody = z.object({ name: z.string().min(1).optional() });
export const forkBody = z.object({ timeout: seconds.optional(), count: z.number().int().min(1).max(100).optional() });
export const networkBody = z.looseObject({ ...network.shape, allow_internet_access: z.boolean().nullish() });

const unixSeconds = z.coerce.number().int().min(0);

export const metricsQuery = z.object({ start: unixSeconds.optional(), end: unixSeconds.optional() });

export const listQuery = z.object({
  metadata: z.string().optional(),
  state: z.string().optional(),
  startedAfter: z.iso.datetime({ offset: true }).optional(),
  template: z.string().optional(),
  order: z.enum(['asc', 'desc']).default('desc'),
  limit: z.coerce.number().int().min(1).max(100).default(100),
  nextToken: z.string().optional(),
});

export const snapshotsQuery = z.object({
  sandboxID: z.string().optional(),
  name: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(100),
  nextToken: z.string().optional(),
});
