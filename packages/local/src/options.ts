import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { LocalHostError } from './errors.js';
import type { FaultOptions, LatencyInput } from './faults/fault-options.js';
import { defaultStateDirectory } from './storage/state-place.js';

/** Settings of {@link startLocalHost}; every one has a default. */
export interface LocalHostOptions {
  /**
   * Port on 127.0.0.1; 0 takes a free one.
   * @default 0
   */
  port?: number | undefined;
  /**
   * The key clients have to send.
   * @default a new random one
   */
  apiKey?: string | undefined;
  /**
   * Where sandboxes live while they run; never on a file system that is itself an overlay.
   * @default the system's temporary directory, or `/var/tmp` when that is slow
   */
  stateDirectory?: string | undefined;
  /**
   * `auto` takes the best this machine gives; any other value is taken or refused, never weakened.
   * @default 'auto'
   */
  isolation?: 'auto' | 'process' | 'namespaces' | 'hardened' | undefined;
  /**
   * What clients build `getHost()` names from. Without it they keep their own.
   * @default none
   */
  domain?: string | undefined;
  /**
   * Longest life a sandbox can be given at once, in seconds.
   * @default 86400
   */
  maximumTimeoutSeconds?: number | undefined;
  /**
   * Processes one sandbox can have at a time.
   * @default 1024
   */
  processLimit?: number | undefined;
  /**
   * Memory one sandbox can have at level `hardened`, in MiB.
   * @default 2048
   */
  memoryLimitMegabytes?: number | undefined;
  /**
   * Processors' worth of time one sandbox can have at level `hardened`.
   * @default 2
   */
  cpuLimit?: number | undefined;
  /**
   * Rules, ceilings and seed of faults on demand, as `POST /_pilotlight/faults` takes them.
   * @default none
   */
  faults?: FaultOptions | undefined;
  /**
   * How long control-plane requests take: E2B's measured distribution from a seed, or quantiles of your own.
   * @default as fast as this machine is
   */
  latency?: LatencyInput | undefined;
  /**
   * Python modules that are loaded before any code is run, where they are installed.
   * @default ['numpy', 'pandas']
   */
  preloadPython?: string[] | undefined;
  /**
   * Each directory in it that has a `template.json` is built as a template of its name before the host serves.
   * @default none
   */
  templatesDirectory?: string | undefined;
  /**
   * Which template of this host stands in for an image that a template asks for with `fromImage`; images that are not
   * named here are refused.
   * @default none
   */
  images?: Record<string, string> | undefined;
}

const schema = z.strictObject({
  port: z.number().int().min(0).max(65_535).default(0),
  apiKey: z
    .string()
    .min(1)
    .default(() => `e2b_${randomBytes(20).toString('hex')}`),
  stateDirectory: z
    .string()
    .min(1)
    .default(() => defaultStateDirectory()),
  isolation: z.enum(['auto', 'process', 'namespaces', 'hardened']).default('auto'),
  domain: z.string().min(1).optional(),
  maximumTimeoutSeconds: z.number().int().min(1).max(2_147_483).default(86_400),
  processLimit: z.number().int().min(1).max(1_000_000).default(1024),
  memoryLimitMegabytes: z.number().int().min(16).max(1_048_576).default(2048),
  cpuLimit: z.number().min(0.01).max(1024).default(2),
  faults: z.custom<FaultOptions>().optional(),
  latency: z.custom<LatencyInput>().optional(),
  images: z.record(z.string(), z.string()).default({}),
  templatesDirectory: z.string().min(1).optional(),
  preloadPython: z.array(z.string().regex(/^[\w.]+$/)).default(['numpy', 'pandas']),
});

export type LocalHostSettings = z.output<typeof schema>;

/** @throws {@link LocalHostError} `invalid_option` naming every wrong option with the value given. */
export function parseOptions(options: LocalHostOptions): LocalHostSettings {
  const result = schema.safeParse(options);
  if (result.success) {
    return result.data;
  }
  const lines = result.error.issues.map((issue) => {
    const name = issue.path.join('.') || (issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : 'options');
    const given = (options as Record<string, unknown>)[name];
    return `  ${name}: ${issue.message} (given: ${JSON.stringify(given) ?? 'nothing'})`;
  });
  throw new LocalHostError(
    'invalid_option',
    `The options are not valid:\n${lines.join('\n')}\nCorrect these and start again.`,
  );
}
