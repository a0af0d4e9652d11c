import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, startLocalHost } from '@pilotlight/local';
import { buildPack, bundlePack, specialise, streamedLayers } from '@pilotlight/snapshots';
import { Sandbox } from 'e2b';
import { type BenchRow, row } from '../support/report.js';
import { median, timed } from './store-rows.js';
import { createDraws } from './tree.js';

const samples = 15;

/** Generic sandboxes of the local host, through the unmodified `e2b` package, become sandboxes of a bundled pack. */
export async function specialiseRows(base: string): Promise<BenchRow[]> {
  const host = await startLocalHost({ stateDirectory: join(base, 'host') });
  try {
    const small = await measure(host.connectionOptions, base, 3);
    const large = await measure(host.connectionOptions, base, 300);
    return [
      row({
        name: 'specialising a generic sandbox for a bundled 300 MB pack, local host',
        measured: large,
        unit: 'ms',
        op: '<=',
        target: 50,
        baseline: `isolation: ${host.isolation}`,
      }),
      row({
        name: 'specialising for 300 MB against 3 MB (constant)',
        measured: large / small,
        unit: 'x',
        op: '<=',
        target: 1.5,
        baseline: `3 MB: ${small.toFixed(1)} ms`,
      }),
    ];
  } catch (error) {
    const why = (error as Error).message;
    return [
      row({
        name: 'specialising a generic sandbox for a bundled 300 MB pack, local host',
        measured: null,
        unit: 'ms',
        op: '<=',
        target: 50,
        why,
      }),
    ];
  } finally {
    await host.close();
  }
}

async function measure(connection: ConnectionOptions, base: string, megabytes: number): Promise<number> {
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
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const sandbox = await Sandbox.create(snapshotId, { ...connection });
    await sandbox.commands.run('true');
    times.push(await timed(() => specialise(sandbox, meta)));
    const { stdout } = await sandbox.commands.run('ls app/modules | wc -l');
    if (Number(stdout) !== megabytes * filesPerMegabyte) throw new Error(`the pack is not in its place: ${stdout}`);
    await sandbox.kill();
  }
  return median(times);
}

const filesPerMegabyte = 8;

function writeSource(directory: string, megabytes: number): void {
  const draw = createDraws(megabytes);
  mkdirSync(directory, { recursive: true });
  for (let index = 0; index < megabytes * filesPerMegabyte; index += 1) {
    const content = Buffer.alloc(1024 * (1024 / filesPerMegabyte));
    for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((draw() * 2 ** 32) >>> 0, at);
    writeFileSync(join(directory, `file-${index}`), content);
  }
}
