import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program of this folder that prints one line of JSON when it is ready. */
export interface Program<Line> {
  line: Line;
  stop(): Promise<void>;
}

export async function startProgram<Line>(
  file: string,
  environment: Record<string, string> = {},
): Promise<Program<Line>> {
  const path = new URL(file, import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, ['--conditions=@pilotlight/source', '--import', 'tsx', path], {
    // The program ends when this end of its input closes, also when this process is killed.
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [text] = (await Promise.race([
    once(lines, 'line'),
    exited.then(() => {
      throw new Error(`${file} ended before it was ready`);
    }),
  ])) as [string];
  return {
    line: JSON.parse(text) as Line,
    async stop() {
      child.stdin?.end();
      await exited;
    },
  };
}
