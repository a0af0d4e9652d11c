import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IsolationLevel, Machine } from '../isolation/machine.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import { openCommandKernel } from './command-kernel.js';
import type { ContextDescription } from './context-table.js';
import type { OpenKernel } from './kernel.js';
import type { PythonZygote, SandboxEntrance } from './python-zygote.js';

/** How a context of this sandbox gets its process. */
export type OpenKernelIn = (sandbox: Sandbox, machine: Machine, description: ContextDescription) => OpenKernel;

const user = { name: 'user', id: 1000, home: '/home/user' };

/**
 * A fork of the loaded Python where that can be had, and a process of the sandbox like any other where not: for other
 * languages, at level `process`, without a Python on the host, and when the way into the sandbox is not clear.
 */
export function kernelOpener(
  level: IsolationLevel,
  instanceDirectory: string,
  zygote: PythonZygote | undefined,
): OpenKernelIn {
  return (sandbox, machine, { language, cwd }) =>
    async (marker, listeners) => {
      if (language === 'python' && zygote && level !== 'process') {
        try {
          const entrance = await entranceOf(instanceDirectory, sandbox.id);
          const login = { HOME: user.home, USER: user.name, LOGNAME: user.name };
          const forked = { sandbox: entrance, marker, cwd, envs: { ...login, ...sandbox.environment } };
          const kernel = await zygote.fork(forked, listeners);
          machine.entered();
          return kernel;
        } catch {
          // The sandbox's own Python does the same, later.
        }
      }
      return openCommandKernel(
        machine,
        { language, user: user.name, cwd, envs: sandbox.environment, marker },
        listeners,
      );
    };
}

/** What the spawner noted when it started the sandbox. */
async function entranceOf(instanceDirectory: string, sandboxId: string): Promise<SandboxEntrance> {
  const note = await readFile(join(instanceDirectory, 'sandboxes', sandboxId, 'init'), 'utf8');
  const [first, namespace] = note.trim().split(' ').map(Number);
  if (!first || !namespace) {
    throw new Error(`the sandbox ${sandboxId} was not noted`);
  }
  return { process: first, pidNamespace: namespace, user: user.id, group: user.id };
}
