import { createHash, createHmac } from 'node:crypto';
import type { SettledConfig } from './config.js';
import { SessionError } from './errors.js';

/** One thing that must be true in the sandbox. `hash` is equal if and only if it, and what it stands on, is the same. */
export type PlanStep = {
  readonly name: string;
  readonly after: readonly string[];
  readonly hash: string;
} & (
  | { readonly kind: 'files'; readonly files: Readonly<Record<string, string>> }
  | { readonly kind: 'secret-file'; readonly path: string; readonly value: string }
  | { readonly kind: 'command'; readonly run: string; readonly cwd: string | undefined; readonly timeoutMs: number }
  | {
      readonly kind: 'server';
      readonly run: string;
      readonly cwd: string | undefined;
      readonly env: Readonly<Record<string, string>>;
      readonly port: number | undefined;
      readonly readyTimeoutMs: number;
    }
);

/** A credential as it was issued. */
export interface IssuedCredential {
  readonly name: string;
  readonly value: string;
  readonly file: string | undefined;
}

/** What a session's sandbox must hold, in an order in which each step comes after those it stands on. */
export interface Plan {
  readonly steps: readonly PlanStep[];
  /** Environment of every command: credentials that are not files. */
  readonly env: Readonly<Record<string, string>>;
}

type Unhashed = PlanStep extends infer Step
  ? Step extends PlanStep
    ? Omit<Step, 'hash' | 'after'> & { after: string[] }
    : never
  : never;

const packagesTimeoutMs = 600_000;

/**
 * The configuration as steps of a graph. Pure. `key` makes the marks of secrets useless to whoever reads them in the
 * sandbox.
 *
 * @throws SessionError with code `invalid_config` when a step stands on one that does not exist, or on itself
 */
export function planOf(config: SettledConfig, credentials: readonly IssuedCredential[], key: string): Plan {
  const env = Object.fromEntries(
    credentials.filter(({ file }) => file === undefined).map(({ name, value }) => [name, value]),
  );
  const secret = (value: string) => createHmac('sha256', key).update(value).digest('hex').slice(0, 32);
  const hashes = new Map<string, string>();
  const steps = ordered(stepsOf(config, credentials)).map((step): PlanStep => {
    const content = step.kind === 'secret-file' ? { ...step, value: secret(step.value) } : step;
    // A server was started with the environment of its time; a new credential means a new start.
    const inherited = step.kind === 'server' ? secret(JSON.stringify(env)) : '';
    const hash = digest([content, inherited, step.after.map((name) => hashes.get(name))]);
    hashes.set(step.name, hash);
    return { ...step, hash };
  });
  return { steps, env };
}

function stepsOf(config: SettledConfig, credentials: readonly IssuedCredential[]): Unhashed[] {
  const steps: Unhashed[] = [];
  const { files, mcp, packages, commands, servers } = config;
  if (Object.keys(files).length > 0) steps.push({ name: 'files', kind: 'files', after: [], files });
  if (mcp !== undefined) {
    const content = `${JSON.stringify({ mcpServers: mcp.servers }, null, 2)}\n`;
    steps.push({ name: 'mcp', kind: 'files', after: [], files: { [mcp.path]: content } });
  }
  for (const { name, value, file } of credentials) {
    if (file !== undefined)
      steps.push({ name: `credential:${name}`, kind: 'secret-file', after: [], path: file, value });
  }
  const install = { kind: 'command' as const, after: [], cwd: undefined, timeoutMs: packagesTimeoutMs };
  if (packages.npm.length > 0) {
    steps.push({
      ...install,
      name: 'npm',
      run: `npm install --no-audit --no-fund --no-progress ${packages.npm.map(quote).join(' ')}`,
    });
  }
  if (packages.pip.length > 0) {
    const pip = 'PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet --disable-pip-version-check';
    steps.push({ ...install, name: 'pip', run: `${pip} ${packages.pip.map(quote).join(' ')}` });
  }
  const base = steps.map(({ name }) => name).filter((name) => ['files', 'npm', 'pip'].includes(name));
  for (const { name, run, cwd, after, timeoutMs } of commands) {
    steps.push({ name, kind: 'command', after: after ?? base, run, cwd, timeoutMs });
  }
  const prepared = steps.map(({ name }) => name);
  for (const { name, command, cwd, env, port, readyTimeoutMs, after } of servers) {
    steps.push({ name, kind: 'server', after: after ?? prepared, run: command, cwd, env, port, readyTimeoutMs });
  }
  return steps;
}

function ordered(steps: readonly Unhashed[]): Unhashed[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  if (byName.size < steps.length) throw invalid('two steps have the same name');
  const done = new Set<string>();
  const path = new Set<string>();
  const result: Unhashed[] = [];
  const visit = (name: string): void => {
    const step = byName.get(name);
    if (step === undefined) throw invalid(`there is no step "${name}" to come after`);
    if (done.has(name)) return;
    if (path.has(name)) throw invalid(`step "${name}" would have to come after itself`);
    path.add(name);
    for (const before of step.after) visit(before);
    done.add(name);
    result.push(step);
  };
  for (const { name } of steps) visit(name);
  return result;
}

function invalid(reason: string): SessionError {
  return new SessionError(
    'invalid_config',
    `The session's config is not valid: ${reason}. Correct it and send the message again.`,
  );
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

/** A word for a POSIX shell. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
