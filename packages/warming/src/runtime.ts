import { InvalidSpecError } from './errors.js';
import * as z from './schema.js';

/** One command of the warm-up. Steps without an order between them run side by side. */
export interface WarmUpStep {
  name: string;
  /** Shell command, run by `bash -l -c`. */
  run: string;
  /** @default the home directory */
  cwd?: string | undefined;
  env?: Record<string, string> | undefined;
  /** Names of steps that must have ended before. @default the step listed before this one */
  after?: string[] | undefined;
  /** A server that stays: the step ends when it was started. @default false */
  background?: boolean | undefined;
  /** @default 120_000 */
  timeoutMs?: number | undefined;
}

/** How to know that a runtime is ready. Probed every 50 ms until it holds, never slept for. */
export type ReadyProbe =
  | { port: number; timeoutMs?: number | undefined }
  | { url: string; timeoutMs?: number | undefined }
  | { file: string; timeoutMs?: number | undefined }
  | { command: string; timeoutMs?: number | undefined };

/** What the pool of a runtime may do. */
export interface PoolSettings {
  /** Hot sandboxes to keep, always. @default at least 1, and as many more as the target policy finds worth their idle time */
  target?: number | undefined;
  /** Paused sandboxes to keep; the most there may be when the target policy decides. @default 0 */
  parked?: number | undefined;
  /** Upper bound of sandboxes in the pool, whatever their state. @default 20 */
  max?: number | undefined;
  /** What happens to pooled sandboxes when the runtime changes. @default 'recreate' */
  onSpecChange?: 'recreate' | 'onReplenish' | undefined;
  /** Keep a snapshot link of the warmed sandbox and start from it. @default true */
  link?: boolean | undefined;
  /** May be answered by a specialised generic sandbox. @default true */
  generic?: boolean | undefined;
}

/** A named spec: what a sandbox must hold before it counts as hot. */
export interface RuntimeSpec {
  name: string;
  /** Template the sandbox starts from. @default 'base' */
  template?: string | undefined;
  /** Packages to install in the warm-up, per package manager. */
  packages?: { npm?: string[] | undefined; pip?: string[] | undefined } | undefined;
  /** Files to write before the steps, path to content. */
  files?: Record<string, string> | undefined;
  steps?: WarmUpStep[] | undefined;
  ready?: ReadyProbe | undefined;
  pool?: PoolSettings | undefined;
  /** @default true */
  allowInternetAccess?: boolean | undefined;
}

function makeRuntimeSchema() {
  const name = z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'use 1 to 63 lower-case letters, digits, ".", "_" or "-"');
  const duration = z.number().int().positive();
  const probe = { timeoutMs: duration.default(30_000) };

  const readyProbe = z.union(
    [
      z.strictObject({ port: z.number().int().min(1).max(65_535), ...probe }),
      z.strictObject({ url: z.url(), ...probe }),
      z.strictObject({ file: z.string().min(1), ...probe }),
      z.strictObject({ command: z.string().min(1), ...probe }),
    ],
    { error: 'give one of "port", "url", "file" or "command", and "timeoutMs" if you like' },
  );

  return z.strictObject({
    name,
    template: z.string().min(1).default('base'),
    packages: z
      .strictObject({ npm: z.array(z.string().min(1)).default([]), pip: z.array(z.string().min(1)).default([]) })
      .default({ npm: [], pip: [] }),
    files: z.record(z.string().min(1), z.string()).default({}),
    steps: z
      .array(
        z.strictObject({
          name,
          run: z.string().min(1),
          cwd: z.string().min(1).optional(),
          env: z.record(z.string(), z.string()).default({}),
          after: z.array(z.string()).optional(),
          background: z.boolean().default(false),
          timeoutMs: duration.default(120_000),
        }),
      )
      .default([]),
    ready: readyProbe.optional(),
    pool: z
      .strictObject({
        target: z.number().int().min(0).optional(),
        parked: z.number().int().min(0).default(0),
        max: z.number().int().min(1).default(20),
        onSpecChange: z.enum(['recreate', 'onReplenish']).default('recreate'),
        link: z.boolean().default(true),
        generic: z.boolean().default(true),
      })
      .prefault({}),
    allowInternetAccess: z.boolean().default(true),
  });
}

const runtimeSchema = z.madeOnce(makeRuntimeSchema);

/** A validated runtime with every default filled in. Made by {@link defineRuntime} only. */
export type Runtime = Readonly<z.output<ReturnType<typeof makeRuntimeSchema>>>;

/**
 * Declares a runtime.
 *
 * @throws {@link InvalidSpecError} naming every wrong field with the value given
 *
 * @example
 * ```ts
 * const nodeTypescript = defineRuntime({
 *   name: 'node-typescript',
 *   steps: [{ name: 'install', run: 'npm install typescript', cwd: '/home/user' }],
 *   ready: { command: 'npx tsc --version' },
 * });
 * ```
 */
export function defineRuntime(spec: RuntimeSpec): Runtime {
  const parsed = runtimeSchema().safeParse(spec);
  const label = `Runtime ${JSON.stringify((spec as { name?: unknown } | undefined)?.name ?? '(no name)')}`;
  if (!parsed.success) {
    throw new InvalidSpecError(
      label,
      parsed.error.issues.map((issue) => ({
        path: pathOf(issue.path),
        message: issue.message,
        value: valueAt(spec, issue.path),
      })),
    );
  }
  const order = orderIssues(parsed.data.steps);
  if (order.length > 0) throw new InvalidSpecError(label, order);
  return Object.freeze(parsed.data);
}

function orderIssues(steps: Runtime['steps']): { path: string; message: string; value: unknown }[] {
  const seen = new Set<string>();
  return steps.flatMap((step, index) => {
    const issues = (step.after ?? [])
      .filter((dependency) => !seen.has(dependency))
      .map((dependency) => ({
        path: `steps[${index}].after`,
        message: 'names a step that is not listed before this one',
        value: dependency as unknown,
      }));
    if (seen.has(step.name)) issues.push({ path: `steps[${index}].name`, message: 'is used twice', value: step.name });
    seen.add(step.name);
    return issues;
  });
}

function pathOf(path: readonly PropertyKey[]): string {
  return (
    path
      .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
      .join('')
      .replace(/^\./, '') || '(spec)'
  );
}

function valueAt(spec: unknown, path: readonly PropertyKey[]): unknown {
  let value = spec;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined | null)?.[key];
  return value;
}
