import * as z from '@pilotlight/warming/schema';
import { SessionError } from './errors.js';

/** A secret of the session, issued when it is needed and again before it runs out. */
export interface SessionCredential {
  name: string;
  /** Makes a new one, short-lived where the service allows it. */
  issue(request: {
    signal: AbortSignal;
  }): Promise<{ value: string; expiresAtMs?: number }> | { value: string; expiresAtMs?: number };
  /** File that holds it in the sandbox, readable by its user only. @default none: an environment variable of this name */
  file?: string | undefined;
}

/** A process that stays: an agent server, an MCP server, a preview. */
export interface SessionServer {
  name: string;
  /** Run by `bash -c` in the home directory unless {@link cwd} says otherwise. */
  command: string;
  cwd?: string;
  env?: Record<string, string>;
  /** It is ready when something listens here. @default ready when it was started */
  port?: number;
  /** @default 30_000 */
  readyTimeoutMs?: number;
  /** Names of steps that must be done before: `files`, `mcp`, `npm`, `pip`, a credential, a command or another server. @default all but servers */
  after?: string[];
}

/** A command to be run once, and again when it changes. */
export interface SessionCommand {
  name: string;
  run: string;
  cwd?: string;
  /** As in {@link SessionServer.after}. @default `files`, `npm` and `pip` */
  after?: string[];
  /** @default 120_000 */
  timeoutMs?: number;
}

/** What an agent's sandbox must hold before it can answer. */
export interface SessionConfig {
  /** Path to content; absolute, or relative to the home directory. */
  files?: Record<string, string>;
  credentials?: SessionCredential[];
  /** Written as JSON `{ "mcpServers": … }`. */
  mcp?: { path?: string; servers: Record<string, unknown> };
  packages?: { npm?: string[]; pip?: string[] };
  commands?: SessionCommand[];
  servers?: SessionServer[];
}

function makeSchema() {
  const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/, 'use letters, digits, "_" and "-"');
  const text = z.string().min(1);
  const path = text.refine(
    (value) => !value.includes('\0') && !value.split('/').includes('..'),
    'must be without ".."',
  );
  const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of an environment variable');
  const packageName = z
    .string()
    .regex(/^[A-Za-z0-9@][^\s;&|`$<>]*$/, 'must be a package name, with a version if you like');
  const duration = z.number().int().min(1).max(3_600_000);

  return z.strictObject({
    files: z.record(path, z.string()).default({}),
    credentials: z
      .array(
        z.strictObject({
          name: variable,
          issue: z.custom<SessionCredential['issue']>((value) => typeof value === 'function', 'must be a function'),
          file: path.optional(),
        }),
      )
      .default([]),
    mcp: z.strictObject({ path: path.default('.mcp.json'), servers: z.record(text, z.unknown()) }).optional(),
    packages: z
      .strictObject({ npm: z.array(packageName).default([]), pip: z.array(packageName).default([]) })
      .default({ npm: [], pip: [] }),
    commands: z
      .array(
        z.strictObject({
          name,
          run: text,
          cwd: path.optional(),
          after: z.array(text).optional(),
          timeoutMs: duration.default(120_000),
        }),
      )
      .default([]),
    servers: z
      .array(
        z.strictObject({
          name,
          command: text,
          cwd: path.optional(),
          env: z.record(variable, z.string()).default({}),
          port: z.number().int().min(1).max(65_535).optional(),
          readyTimeoutMs: duration.default(30_000),
          after: z.array(text).optional(),
        }),
      )
      .default([]),
  });
}

const schema = z.madeOnce(makeSchema);

/** A configuration with every default in place. */
export type SettledConfig = z.output<ReturnType<typeof makeSchema>>;

/** @throws SessionError with code `invalid_config`, naming each wrong field */
export function settleConfig(config: unknown): SettledConfig {
  const parsed = schema().safeParse(config);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || '(config)'}: ${issue.message}`);
  throw new SessionError(
    'invalid_config',
    `The session's config is not valid:\n${lines.join('\n')}\nCorrect it and send the message again.`,
  );
}
