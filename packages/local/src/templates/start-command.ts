import type { Machine } from '../isolation/machine.js';
import type { StartCommand } from '../sandbox/settings.js';
import { loginShell, runCommand } from './run-command.js';

const probeIntervalMs = 50;

export interface StartOptions {
  /** Variables of the sandbox; those of the template are among them. */
  envs: Readonly<Record<string, string>>;
  timeoutMs: number;
  onText?: (text: string) => void;
}

/**
 * Starts a template's program in a fresh machine and waits until its ready command succeeds: what E2B finds running in
 * the memory of its snapshot is started here.
 *
 * @throws Error when it is not ready within the time, or ended by itself with an error before.
 */
export async function runStartCommand(machine: Machine, start: StartCommand, options: StartOptions): Promise<void> {
  const request = { user: start.user, cwd: start.cwd, envs: { ...start.envs, ...options.envs } };
  const failure = { reason: undefined as string | undefined };
  if (start.command !== undefined) {
    const started = runCommand(machine, { ...request, arguments: loginShell(start.command) }, options.onText);
    void started.then(
      ({ exitCode }) => {
        if (exitCode !== 0) {
          failure.reason = `the start command ended with ${exitCode === undefined ? 'a signal' : `exit code ${exitCode}`}`;
        }
      },
      (error: Error) => {
        failure.reason = `the start command could not be started: ${error.message}`;
      },
    );
  }
  if (start.readyCommand === undefined) {
    return;
  }
  const probe = { ...request, arguments: loginShell(start.readyCommand) };
  const endsAtMs = performance.now() + options.timeoutMs;
  while ((await runCommand(machine, probe)).exitCode !== 0) {
    if (failure.reason !== undefined) {
      throw new Error(`The template's program is not ready: ${failure.reason}.`);
    }
    if (performance.now() > endsAtMs) {
      throw new Error(`The template's ready command did not succeed within ${options.timeoutMs} ms.`);
    }
    await new Promise((resolve) => setTimeout(resolve, probeIntervalMs));
  }
}
