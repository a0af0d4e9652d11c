import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildPack, bundlePack, type PackMeta, specialise, streamedLayers } from '@pilotlight/snapshots';
import { Sandbox } from 'e2b';
import { type BenchRow, row } from '../support/report.js';
import { median, timed } from './timing.js';
import { createDraws } from './tree.js';

const samples = 15;
const filesPerMegabyte = 8;
const nameOfLarge = 'specialising a generic sandbox for a bundled 300 MB pack, local host';

type Connection = { apiUrl: string; sandboxUrl: string; apiKey: string; isolation: string };

interface Generic {
  meta: PackMeta;
  snapshotId: string;
  megabytes: number;
  times: number[];
}

/** Generic sandboxes of the local host, through the unmodified `e2b` package, become sandboxes of a bundled pack. */
export async function specialiseRows(base: string): Promise<BenchRow[]> {
  const host = await startHost(base).catch((error: Error) => error);
  if (host instanceof Error) {
    return [row({ name: nameOfLarge, measured: null, unit: 'ms', op: '<=', target: 50, why: host.message })];
  }
  try {
    const small = await makeGeneric(host.connection, base, 3);
    const large = await makeGeneric(host.connection, base, 300);
    for (let sample = 0; sample < samples; sample += 1) {
      for (const generic of sample % 2 === 0 ? [small, large] : [large, small]) await measure(host.connection, generic);
    }
    return [
      row({
        name: nameOfLarge,
        measured: median(large.times),
        unit: 'ms',
        op: '<=',
        target: 50,
        baseline: `isolation: ${host.connection.isolation}`,
      }),
      row({
        name: 'specialising for 300 MB against 3 MB (constant)',
        measured: median(large.times) / median(small.times),
        unit: 'x',
        op: '<=',
        target: 1.5,
        baseline: `3 MB: ${median(small.times).toFixed(1)} ms`,
      }),
    ];
  } finally {
    await host.close();
  }
}

/** A process of its own, so that its memory is not counted as ours. */
async function startHost(base: string): Promise<{ connection: Connection; close(): Promise<void> }> {
  const program = fileURLToPath(new URL('../../packages/local/bin/pilotlight-local.mjs', import.meta.url));
  const child = spawn(
    process.execPath,
    [...process.execArgv, program, '--json', '--port', '0', '--state-directory', join(base, 'host')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), ended.then(() => undefined)]);
  if (!first) throw new Error('the local host did not start');
  return {
    connection: JSON.parse(String(first[0])) as Connection,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A generic template with the pack in it: a snapshot of a sandbox into which the pack was bundled. */
async function makeGeneric(connection: Connection, base: string, megabytes: number): Promise<Generic> {
  const source = join(base, `pack-source-${megabytes}`);
  writeSource(source, megabytes);
  const output = join(base, `pack-${megabytes}`);
  const { meta } = await buildPack({
    name: `pack-${megabytes}`,
    output,
    layers: [{ kind: 'directory', name: 'modules', source, target: '/home/user/app/modules' }],
  });
  const builder = await Sandbox.create({ ...connection });
  await bundlePack(builder, meta, streamedLayers(output), { timeoutMs: 300_000 });
  const { snapshotId } = await builder.createSnapshot();
  await builder.kill();
  return { meta, snapshotId, megabytes, times: [] };
}

async function measure(connection: Connection, generic: Generic): Promise<void> {
  const sandbox = await Sandbox.create(generic.snapshotId, { ...connection });
  await sandbox.commands.run('true');
  generic.times.push(await timed(() => specialise(sandbox, generic.meta)));
  const { stdout } = await sandbox.commands.run('ls app/modules | wc -l');
  if (Number(stdout) !== generic.megabytes * filesPerMegabyte)
    throw new Error(`the pack is not in its place: ${stdout}`);
  await sandbox.kill();
}

function writeSource(directory: string, megabytes: number): void {
  const draw = createDraws(megabytes);
  const content = Buffer.alloc(1024 * (1024 / filesPerMegabyte));
  mkdirSync(directory, { recursive: true });
  for (let index = 0; index < megabytes * filesPerMegabyte; index += 1) {
    for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((draw() * 2 ** 32) >>> 0, at);
    writeFileSync(join(directory, `file-${index}`), content);
  }
}
