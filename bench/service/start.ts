import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startLocalHost } from '@pilotlight/local';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { endsWithUs } from './child.js';

const warmer = fileURLToPath(new URL('../../packages/warmer/', import.meta.url));

/** Whether `npm run build` was run: a start from source measures the TypeScript loader. */
export function isBuilt(): boolean {
  return existsSync(`${warmer}dist/cli.js`) && existsSync(`${warmer}dist/dashboard/index.html`);
}

/** From the start of the process to the dashboard's page, in milliseconds, each with a store of its own. */
export async function dashboardTimes(runs: number): Promise<number[]> {
  return repeat(runs, async (folder) => timed(folder, ['dev', '--json', '--port', '0'], '/'));
}

/** From the start of the process to the first `/readyz` that says ready, on an empty SQLite store, in milliseconds. */
export async function readyTimes(runs: number): Promise<number[]> {
  const host = await startLocalHost();
  try {
    return await repeat(runs, async (folder) => {
      const { record } = issueToken({ tenant: 'bench', scopes: ['claims'] }, randomBytes);
      const config = `${folder}/pilotlight.json`;
      writeFileSync(
        config,
        JSON.stringify({
          listen: { port: 0 },
          provider: host.connectionOptions,
          store: { kind: 'sqlite', path: `${folder}/warmer.db` },
          sealKey: randomBytes(32).toString('hex'),
          tokens: [record],
          drainMs: 0,
        }),
      );
      return timed(folder, ['serve', '--config', config], '/readyz');
    });
  } finally {
    await host.close();
  }
}

async function repeat(runs: number, measure: (folder: string) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const folder = mkdtempSync(`${tmpdir()}/pilotlight-bench-`);
    try {
      times.push(await measure(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return times;
}

async function timed(cwd: string, words: readonly string[], path: string): Promise<number> {
  const startedMs = performance.now();
  const child = endsWithUs(
    spawn(process.execPath, [`${warmer}bin/pilotlight.mjs`, ...words], { cwd, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  try {
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const told = (JSON.parse(line) as { url?: string }).url;
        if (told !== undefined) resolve(told);
      });
      child.once('exit', (code) => reject(new Error(`pilotlight ${words[0]} ended with ${code}`)));
    });
    while (!(await fetch(`${url}${path}`)).ok) await new Promise((resolve) => setTimeout(resolve, 5));
    return performance.now() - startedMs;
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
}
