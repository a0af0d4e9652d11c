import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startLocalHost } from '@pilotlight/local';
import { E2B } from 'e2b';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './support.js';

const program = new URL('../../packages/local/bin/pilotlight-local.mjs', import.meta.url).pathname;
const stateDirectory = mkdtempSync(join(tmpdir(), 'pl-'));
let host: ChildProcess | undefined;

async function startProgram(isolation: string) {
  host = spawn(
    process.execPath,
    [program, '--port', '0', '--json', '--isolation', isolation, '--state-directory', stateDirectory],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: host.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    return JSON.parse(line) as { apiUrl: string; sandboxUrl: string; apiKey: string; isolation: string };
  }
  throw new Error('the program said nothing');
}

function processesWith(text: string): number {
  return execFileSync('ps', ['-eo', 'args'])
    .toString()
    .split('\n')
    .filter((line) => line.includes(text)).length;
}

describe('a host that is killed', () => {
  afterEach(() => {
    host?.kill('SIGKILL');
    rmSync(stateDirectory, { recursive: true, force: true });
  });

  it('prints one line of JSON when it serves, and stops cleanly on SIGTERM', async () => {
    const line = await startProgram('auto');
    expect(Object.keys(line)).toEqual(['apiUrl', 'sandboxUrl', 'apiKey', 'isolation']);
    await new E2B(line).Sandbox.create();
    const exit = new Promise((resolve) => host?.once('exit', resolve));
    host?.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(readdirSync(stateDirectory)).toEqual([]);
  });

  it.each(['namespaces', 'auto'])(
    'leaves no process and no file at level "%s", without being started again',
    async (level) => {
      const line = await startProgram(level);
      const sandbox = await new E2B(line).Sandbox.create();
      const marker = `sleep 31${process.pid}`;
      await sandbox.commands.run(`setsid ${marker} & exec ${marker}`, { background: true });
      await until('both run', () => processesWith(marker) >= 2);
      await sandbox.createSnapshot();
      const paused = await new E2B(line).Sandbox.create();
      await paused.pause();
      host?.kill('SIGKILL');
      await until('no process is left', () => processesWith(marker) === 0);
      await until('no file is left', () => readdirSync(stateDirectory).length === 0);
    },
  );

  it('leaves nothing at level "process" once it is started again', async () => {
    const line = await startProgram('process');
    const sandbox = await new E2B(line).Sandbox.create();
    const marker = `sleep 32${process.pid}`;
    await sandbox.commands.run(`exec ${marker}`, { background: true });
    await until('it runs', () => processesWith(marker) >= 1);
    host?.kill('SIGKILL');
    await new Promise((resolve) => host?.once('exit', resolve));
    const next = await startLocalHost({ stateDirectory, isolation: 'process' });
    expect(readdirSync(stateDirectory)).toHaveLength(1);
    await until('no process is left', () => processesWith(marker) === 0);
    await next.close();
    expect(readdirSync(stateDirectory)).toEqual([]);
  });
});
