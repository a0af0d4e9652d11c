import { redactSecrets } from '@pilotlight/memory/redact';
import type { Sandbox } from 'e2b';
import { SessionError } from './errors.js';
import type { Plan, PlanStep } from './plan.js';
import {
  commandScript,
  inspectScript,
  markOf,
  markPath,
  marksIn,
  notReadyExit,
  scrubScript,
  secretScript,
  secretVariable,
  serverScript,
  stopScript,
} from './scripts.js';

/** What the bootstrap uses of a sandbox; any E2B `Sandbox` has it. */
export type BootstrapSandbox = Pick<Sandbox, 'commands' | 'files'>;

/** What a bootstrap did. */
export interface BootstrapReport {
  /** Names of the steps that were run, in the order in which they ended. */
  readonly ran: readonly string[];
  /** How many steps were true already. */
  readonly kept: number;
}

export interface BootstrapTask {
  readonly sandbox: BootstrapSandbox;
  readonly plan: Plan;
  /** The plan before, whose servers and secrets go when they are not in this one. */
  readonly previous?: Plan | undefined;
  readonly signal: AbortSignal;
  readonly onStep?: (step: string, phase: 'begin' | 'end') => void;
}

const inspectTimeoutMs = 10_000;
const marginMs = 10_000;

/**
 * Makes the plan true in the sandbox and does only what is not: one round trip when all of it is. Steps without an order
 * between them run side by side; the first failure stops those that have not begun.
 *
 * @throws SessionError with code `step_failed` or `server_not_ready`, or the failure of the sandbox
 */
export async function bootstrap(task: BootstrapTask): Promise<BootstrapReport> {
  const { sandbox, plan, signal } = task;
  const { stdout } = await sandbox.commands.run(inspectScript(), { timeoutMs: inspectTimeoutMs, signal });
  const marks = marksIn(stdout);
  const missing = new Set(plan.steps.filter((step) => marks.get(markOf(step.name)) !== step.hash));
  await removeLeftovers(task);
  const ran: string[] = [];
  const ended = new Map<string, Promise<void>>();
  let failed: unknown;
  for (const step of plan.steps) {
    const before = step.after.map((name) => ended.get(name));
    const run = async () => {
      await Promise.all(before);
      if (!missing.has(step)) return;
      if (failed !== undefined) throw failed;
      signal.throwIfAborted();
      task.onStep?.(step.name, 'begin');
      await runStep(task, step);
      ran.push(step.name);
      task.onStep?.(step.name, 'end');
    };
    const running = run().catch((failure: unknown) => {
      failed ??= failure;
      throw failure;
    });
    ended.set(step.name, running);
  }
  await Promise.allSettled(ended.values());
  if (failed !== undefined) throw failed;
  return { ran, kept: plan.steps.length - missing.size };
}

/** Removes every secret the plan put into files. */
export async function scrub(sandbox: BootstrapSandbox, plan: Plan, signal: AbortSignal): Promise<void> {
  const script = scrubScript(plan.steps);
  if (script !== undefined) await sandbox.commands.run(script, { timeoutMs: inspectTimeoutMs, signal });
}

async function removeLeftovers({ sandbox, plan, previous, signal }: BootstrapTask): Promise<void> {
  const wanted = new Set(plan.steps.map(({ name }) => name));
  const left = (previous?.steps ?? []).filter(({ name }) => !wanted.has(name));
  const scripts = [scrubScript(left), ...left.flatMap((step) => (step.kind === 'server' ? [stopScript(step)] : []))];
  for (const script of scripts) {
    if (script !== undefined) await sandbox.commands.run(script, { timeoutMs: inspectTimeoutMs, signal });
  }
}

async function runStep(task: BootstrapTask, step: PlanStep): Promise<void> {
  const { sandbox, plan, signal } = task;
  switch (step.kind) {
    case 'files': {
      const files = Object.entries(step.files).map(([path, data]) => ({ path, data }));
      // The mark is the last of one request, so it is not there before the files are.
      await sandbox.files.write([...files, { path: markPath(step), data: `${step.hash}\n` }], { signal });
      return;
    }
    case 'secret-file':
      return command(task, step, secretScript(step), { [secretVariable]: step.value }, inspectTimeoutMs);
    case 'command':
      return command(task, step, commandScript(step), plan.env, step.timeoutMs);
    case 'server':
      return command(task, step, serverScript(step), { ...plan.env, ...step.env }, step.readyTimeoutMs + marginMs);
    default:
      return step satisfies never;
  }
}

async function command(
  task: BootstrapTask,
  step: PlanStep,
  script: string,
  envs: Record<string, string>,
  timeoutMs: number,
): Promise<void> {
  try {
    await task.sandbox.commands.run(script, { envs, timeoutMs, signal: task.signal });
  } catch (failure) {
    if (!(failure instanceof Error) || !('exitCode' in failure)) throw failure;
    throw stepError(
      step,
      failure as Error & { exitCode: number; stdout?: string; stderr?: string },
      Object.values(envs),
    );
  }
}

function stepError(
  step: PlanStep,
  failure: Error & { exitCode: number; stdout?: string; stderr?: string },
  secrets: readonly string[],
): SessionError {
  const output = withoutSecrets(`${failure.stdout ?? ''}${failure.stderr ?? ''}`.slice(-2_000), secrets) || '(nothing)';
  if (step.kind === 'server' && failure.exitCode === notReadyExit) {
    const where =
      step.port === undefined ? 'it ended' : `nothing listens on port ${step.port} after ${step.readyTimeoutMs} ms`;
    return new SessionError(
      'server_not_ready',
      `Server "${step.name}" did not come up: ${where}.\n  its log ends with: ${output}\nRun its command in the sandbox to see why, or raise readyTimeoutMs.`,
      { step: step.name },
    );
  }
  return new SessionError(
    'step_failed',
    `Step "${step.name}" ended with exit code ${failure.exitCode}.\n  its output ends with: ${output}\nRun it in the sandbox to see why, then correct the config.`,
    { step: step.name },
  );
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  const longEnough = secrets.filter((secret) => secret.length >= 4);
  return redactSecrets(longEnough.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text));
}
