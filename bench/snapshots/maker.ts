import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of the makers beside this file and gives what it printed. */
export function runMaker(maker: 'make-tree.ts' | 'make-synthetic.ts', ...words: string[]): string {
  const path = fileURLToPath(new URL(maker, import.meta.url));
  const made = spawnSync(process.execPath, [...process.execArgv, path, ...words], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`${maker} ${words.join(' ')} ended with ${made.status}: ${made.stderr}`);
  return made.stdout.trim();
}
