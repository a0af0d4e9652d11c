import { readAsset } from '../assets.js';
import type { Machine } from '../isolation/machine.js';
import type { KernelConnection, KernelListeners } from './kernel.js';
import type { Language } from './language.js';
import { kernelProgram } from './python-program.js';

export interface CommandKernelRequest {
  language: Language;
  user: string;
  cwd: string;
  envs: Readonly<Record<string, string>>;
  marker: string;
}

const signalKill = 9;

/** A kernel that is started in its sandbox like any command, with nothing loaded before. */
export async function openCommandKernel(
  machine: Machine,
  request: CommandKernelRequest,
  listeners: KernelListeners,
): Promise<KernelConnection> {
  const { user, cwd, envs } = request;
  const held: (() => void)[] = [];
  let isPaused = false;
  const process = await machine.run({
    arguments: argumentsOf(request),
    user,
    cwd,
    envs,
    withInput: true,
    onOutput: (kind, chunk, release) => {
      (kind === 'stderr' ? listeners.onErrorOutput : listeners.onOutput)(chunk);
      if (isPaused) {
        held.push(release);
      } else {
        release();
      }
    },
  });
  void process.exit.then(listeners.onClosed);
  return {
    endMarks: request.language === 'python' ? 1 : 2,
    write: (text) => void process.write(Buffer.from(text)).catch(() => {}),
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      for (const release of held.splice(0)) {
        release();
      }
    },
    close: () => process.signal(signalKill),
  };
}

function argumentsOf({ language, marker }: CommandKernelRequest): string[] {
  switch (language) {
    case 'python':
      return ['python3', '-c', kernelProgram(), JSON.stringify({ marker })];
    case 'javascript':
    case 'typescript':
      return ['node', '--input-type=module', '--eval', readAsset('interpreter/kernel.mjs'), '--', marker];
    case 'bash':
      return ['/bin/bash', '-c', readAsset('interpreter/kernel.sh'), 'bash', marker];
    default:
      return language satisfies never;
  }
}
