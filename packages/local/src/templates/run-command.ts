import type { Machine, RunRequest } from '../isolation/machine.js';

export interface CommandOutcome {
  /** Undefined when it was ended by a signal. */
  exitCode: number | undefined;
}

/** Runs a command to its end, telling its output as text. */
export async function runCommand(
  machine: Machine,
  request: Pick<RunRequest, 'arguments' | 'user' | 'cwd' | 'envs'>,
  onText: (text: string) => void = () => {},
): Promise<CommandOutcome> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder(), pty: new TextDecoder() };
  const process = await machine.run({
    ...request,
    withInput: false,
    onOutput: (kind, chunk, release) => {
      onText(decoders[kind].decode(chunk, { stream: true }));
      release();
    },
  });
  const status = await process.exit;
  return { exitCode: status.kind === 'exited' ? status.code : undefined };
}

/** As E2B runs every command line. */
export function loginShell(command: string): string[] {
  return ['/bin/bash', '-l', '-c', command];
}
