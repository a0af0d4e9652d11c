import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { WorkspaceSandbox } from '@pilotlight/snapshots';

export interface ShellSandbox extends WorkspaceSandbox {
  home: string;
  /** What was asked, in order: `run`, `read` or `write`. */
  calls: string[];
}

/**
 * A directory of this machine as a sandbox that has nothing but the named programs. It shows what is needed inside; it
 * isolates nothing.
 */
export function shellSandbox(directory: string, programs: readonly string[]): ShellSandbox {
  const home = join(directory, 'home');
  const bin = join(directory, 'bin');
  mkdirSync(home, { recursive: true });
  mkdirSync(bin, { recursive: true });
  for (const program of programs) {
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${program}`])
        .toString()
        .trim(),
      join(bin, program),
    );
  }
  const calls: string[] = [];
  const read = async (path: string, options: { format: 'bytes' | 'stream' }): Promise<never> => {
    calls.push('read');
    const bytes = await readFile(path);
    return (options.format === 'bytes' ? bytes : Readable.toWeb(Readable.from([bytes]))) as never;
  };
  return {
    home,
    calls,
    commands: {
      run: (command) => {
        calls.push('run');
        return new Promise((resolve) => {
          const options = { cwd: home, env: { PATH: bin, HOME: home }, maxBuffer: 100_000_000 };
          execFile(join(bin, 'sh'), ['-c', command], options, (error, stdout, stderr) => {
            const exitCode = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
            resolve({ exitCode, stdout, stderr });
          });
        });
      },
    },
    files: {
      read,
      write: async (path, data) => {
        calls.push('write');
        mkdirSync(dirname(path), { recursive: true });
        await writeFile(path, data instanceof ArrayBuffer ? Buffer.from(data) : Readable.fromWeb(data as never));
      },
    },
  };
}
