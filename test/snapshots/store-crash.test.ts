import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'tsup';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../packages/snapshots/src/index.js';
import { temporaryDirectory } from './support.js';

const kills = 100;
const writers = 3;

/** Starts the writer and kills it at some time after its first acknowledgement. */
async function runAndKill(command: string[], killAfterMs: number, acknowledged: Set<string>): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), killAfterMs));
    child.on('close', () => resolve());
  });
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writer ended by itself: ${errors}`);
  for (const line of output.split('\n').slice(0, -1)) {
    const [verb, id] = line.split(' ') as [string, string];
    if (verb === 'snapshot') acknowledged.add(id);
    else acknowledged.delete(id);
  }
}

describe('a store whose writers are killed', () => {
  it(`verifies after ${kills} kills of ${writers} processes at once, and nothing acknowledged is lost`, {
    timeout: 180_000,
  }, async () => {
    const work = temporaryDirectory();
    await build({
      config: false,
      entry: { writer: new URL('store-writer.ts', import.meta.url).pathname },
      outDir: join(work, 'built'),
      format: 'esm',
      outExtension: () => ({ js: '.mjs' }),
      target: 'node20',
      noExternal: [/.*/],
      esbuildOptions: (options) => {
        options.conditions = ['@pilotlight/source'];
        options.banner = {
          js: "import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);",
        };
      },
      silent: true,
    });
    const directory = join(work, 'store');
    const acknowledged = new Set<string>();
    let started = 0;
    const run = async (writer: number) => {
      while (started < kills) {
        started += 1;
        const number = started;
        const command = [join(work, 'built', 'writer.mjs'), directory, join(work, `tree-${writer}`), `seed-${number}`];
        await runAndKill(command, (number * 7919) % 60, acknowledged);
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => run(writer)));

    const store = await openStore({ directory, threads: 0 });
    const present = new Set(store.list());
    expect([...acknowledged].filter((id) => !present.has(id))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(kills);
    expect(await store.verify()).toMatchObject({ sound: true });
    const [some] = acknowledged;
    await store.restore(some!, join(work, 'copy'));
    expect(readdirSync(join(work, 'copy'))).toHaveLength(8);

    for (const id of present) await store.drop(id);
    await store.collect({ graceMs: 0 });
    expect((await store.verify()).blobs).toBe(0);
    expect(readdirSync(join(directory, 'store-v1', 'temporary')).filter((name) => !name.endsWith('.mark'))).toEqual([]);
    await store.close();
  });
});
