import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../packages/snapshots/src/index.js';
import { temporaryDirectory } from './support.js';

const kills = 100;
const writers = 3;
let built: string;

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'pilotlight-writer-'));
  await build({
    config: false,
    entry: {
      writer: new URL('store-writer.ts', import.meta.url).pathname,
      'file-worker': new URL('../../packages/snapshots/src/file-worker.ts', import.meta.url).pathname,
    },
    outDir: built,
    format: 'esm',
    outExtension: () => ({ js: '.js' }),
    splitting: false,
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
  writeFileSync(join(built, 'package.json'), '{"type":"module"}');
}, 60_000);

afterAll(() => rmSync(built, { recursive: true, force: true }));

/** Runs a writer to its end, or kills it some time after its first acknowledgement. */
async function runWriter(parameters: readonly string[], options: { killAfterMs?: number }): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [join(built, 'writer.js'), ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
    });
    if (options.killAfterMs !== undefined) {
      child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), options.killAfterMs));
    }
    child.on('close', () => resolve());
  });
  const expected = options.killAfterMs === undefined ? child.exitCode === 0 : child.signalCode === 'SIGKILL';
  if (!expected) throw new Error(`the writer ended with ${child.exitCode}: ${errors}`);
  return output.split('\n').slice(0, -1);
}

/** Adds the ids that were acknowledged and takes away those that may be gone: their drop had begun. */
function note(lines: readonly string[], acknowledged: Set<string>): void {
  for (const line of lines) {
    const [verb, id] = line.split(' ') as [string, string];
    if (verb === 'snapshot') acknowledged.add(id);
    else acknowledged.delete(id);
  }
}

async function expectAll(store: Store, acknowledged: ReadonlySet<string>): Promise<void> {
  const present = new Set(store.list());
  expect([...acknowledged].filter((id) => !present.has(id))).toEqual([]);
  expect(await store.verify()).toMatchObject({ sound: true });
}

describe('two processes on one store', () => {
  it('capture, clone, drop and collect at once, and each finds all of its own', { timeout: 60_000 }, async () => {
    const work = temporaryDirectory();
    const directory = join(work, 'store');
    const acknowledged = new Set<string>();
    const run = async (name: string) =>
      note(await runWriter([directory, join(work, name), name, '1', '16'], {}), acknowledged);
    await Promise.all([run('first'), run('second')]);
    const store = await openStore({ directory, threads: 0 });
    expect(acknowledged.size).toBe(2 * (16 * 2 - 4));
    await expectAll(store, acknowledged);
    for (const id of acknowledged) await store.restore(id, join(work, 'copies', id));
    await store.close();
  });
});

describe('a store whose writers are killed', () => {
  it(`verifies after ${kills} kills of ${writers} processes at once, with threads and without, and nothing acknowledged is lost`, {
    timeout: 180_000,
  }, async () => {
    const work = temporaryDirectory();
    const directory = join(work, 'store');
    const acknowledged = new Set<string>();
    let started = 0;
    const run = async (writer: number) => {
      while (started < kills) {
        started += 1;
        const parameters = [
          directory,
          join(work, `tree-${writer}`),
          `seed-${started}`,
          String(started % 2),
          'Infinity',
        ];
        note(await runWriter(parameters, { killAfterMs: (started * 7919) % 60 }), acknowledged);
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => run(writer)));

    const store = await openStore({ directory, threads: 0 });
    expect(acknowledged.size).toBeGreaterThanOrEqual(kills);
    await expectAll(store, acknowledged);
    const [some] = acknowledged;
    await store.restore(some!, join(work, 'copy'));
    expect(readdirSync(join(work, 'copy'))).toHaveLength(8);

    for (const id of store.list()) await store.drop(id);
    await store.collect({ graceMs: 0 });
    expect((await store.verify()).blobs).toBe(0);
    expect(readdirSync(join(directory, 'store-v1', 'temporary')).filter((name) => !name.endsWith('.mark'))).toEqual([]);
    await store.close();
  });
});
