import { WarmingError, WarmUpError } from '../errors.js';
import { ProviderError, type ProviderSandbox, type RunResult } from '../provider.js';
import type { Runtime } from '../runtime.js';
import { labelOf, type WarmUpNode } from './nodes.js';
import { OutputTail } from './output-tail.js';
import {
  commandScript,
  defaultProbeTimeoutMs,
  exitCodes,
  filesMark,
  probeScript,
  serverScript,
  verifyScript,
} from './scripts.js';

/** Who is told when a piece of the warm-up begins and ends. */
export interface WarmUpObserver {
  begin(name: string): void;
  end(name: string): void;
}

export interface WarmUpTask {
  readonly runtime: Runtime;
  readonly nodes: readonly WarmUpNode[];
  readonly sandbox: ProviderSandbox;
  readonly signal: AbortSignal;
  readonly observer: WarmUpObserver;
}

/** Name under which the ready probe is observed. */
export const probeNode = 'probe';
/** Beyond the probe's own timeout, for the way there and back. */
const probeMarginMs = 10_000;

/**
 * Brings a new sandbox to ready.
 *
 * @throws {@link WarmUpError} for a step, {@link WarmingError} `not_ready` for the probe, `ProviderError`
 */
export async function warmUp(task: WarmUpTask): Promise<void> {
  await runNodes(task, new Set());
  task.observer.begin(probeNode);
  checkReady(task, await runProbe(task, probeScript(task.runtime.ready)));
  task.observer.end(probeNode);
}

/**
 * Brings a sandbox that was restored, resumed or adopted to ready: what it has is checked and only the rest is run. One
 * round trip when it has all.
 */
export async function verify(task: WarmUpTask): Promise<void> {
  task.observer.begin(probeNode);
  const result = await runProbe(task, verifyScript(task.nodes, task.runtime.ready));
  if (result.exitCode !== exitCodes.incomplete) {
    checkReady(task, result);
    task.observer.end(probeNode);
    return;
  }
  const missing = new Set(result.stdout.trim().split(/\s+/));
  await runNodes(task, new Set(task.nodes.filter((node) => !missing.has(node.name)).map((node) => node.name)));
  checkReady(task, await runProbe(task, probeScript(task.runtime.ready)));
  task.observer.end(probeNode);
}

function runProbe(task: WarmUpTask, script: string): Promise<RunResult> {
  const timeoutMs = (task.runtime.ready?.timeoutMs ?? defaultProbeTimeoutMs) + probeMarginMs;
  return task.sandbox.run(script, { timeoutMs, signal: task.signal }).catch((error: unknown) => {
    if (error instanceof ProviderError && error.failure === 'timeout')
      throw notReady(task, '(the probe itself hangs)', error);
    throw error;
  });
}

function checkReady(task: WarmUpTask, result: RunResult): void {
  if (result.exitCode !== 0) throw notReady(task, (result.stdout + result.stderr).trimEnd());
}

function notReady(task: WarmUpTask, output: string, cause?: unknown): WarmingError {
  const { ready } = task.runtime;
  return new WarmingError(
    'not_ready',
    `Runtime "${task.runtime.name}" was warmed up, but its ready probe ${JSON.stringify(ready)} did not hold within ` +
      `${ready?.timeoutMs ?? defaultProbeTimeoutMs} ms.\n  the probe's output ends with: ${output || '(nothing)'}\n` +
      'Check that a step starts what the probe waits for, or raise "ready.timeoutMs".',
    { cause },
  );
}

/** Runs every node that is not done, each as soon as all before it have ended. The first failure stops the others. */
async function runNodes(task: WarmUpTask, done: ReadonlySet<string>): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([task.signal, stop.signal]);
  const ended = new Map<string, Promise<void>>();
  for (const node of task.nodes) {
    const before = node.after.map((name) => ended.get(name));
    const run = async () => {
      await Promise.all(before);
      if (done.has(node.name)) return;
      signal.throwIfAborted();
      task.observer.begin(node.name);
      await runNode(task, node, signal);
      task.observer.end(node.name);
    };
    ended.set(
      node.name,
      run().catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    );
  }
  const results = await Promise.allSettled(ended.values());
  task.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function runNode(task: WarmUpTask, node: WarmUpNode, signal: AbortSignal): Promise<void> {
  if (node.kind === 'files') {
    const files = Object.entries(node.files).map(([path, content]) => ({ path, content }));
    return task.sandbox.writeFiles([...files, filesMark(node)], { signal });
  }
  if (node.kind === 'server') {
    await task.sandbox.start(serverScript(node), { env: { ...node.env }, timeoutMs: 0, signal });
    return;
  }
  const output = new OutputTail();
  const failure = (exitCode: number | undefined, cause?: unknown) =>
    new WarmUpError({
      runtime: task.runtime.name,
      step: labelOf(node),
      command: node.run,
      exitCode,
      timeoutMs: exitCode === undefined ? node.timeoutMs : undefined,
      outputTail: output.toString(),
      cause,
    });
  const result = await task.sandbox
    .run(commandScript(node), {
      env: { ...node.env },
      timeoutMs: node.timeoutMs,
      signal,
      onOutput: (text) => output.add(text),
    })
    .catch((error: unknown) => {
      if (error instanceof ProviderError && error.failure === 'timeout') throw failure(undefined, error);
      throw error;
    });
  if (result.exitCode !== 0) throw failure(result.exitCode);
}
