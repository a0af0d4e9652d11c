import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store } from '@pilotlight/snapshots';
import { type BenchRow, row } from '../support/report.js';
import { runMaker } from './maker.js';
import { shell } from './others.js';
import { median, timed } from './timing.js';

const rounds = 5;

/** Restores and tar in turn, in one order and then in the other, into directories that are new each time. */
export async function restoreRow(
  { store, snapshotId, storeDirectory }: { store: Store; snapshotId: string; storeDirectory: string },
  tree: string,
  base: string,
): Promise<BenchRow> {
  const archive = join(base, 'tree.tar');
  await shell(`tar -cf ${archive} -C ${tree} .`, base);
  const ours: number[] = [];
  const tar: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const extract = async () => {
      const place = join(base, `extracted-${round}`);
      mkdirSync(place);
      await shell(`sync; cat ${archive} > /dev/null`, base);
      tar.push(await shell(`tar -xf ${archive} -C ${place}`, base));
    };
    const restore = async () => {
      await shell(`sync; find ${storeDirectory} -type f -exec cat {} + > /dev/null`, base);
      ours.push(await timed(() => store.restore(snapshotId, join(base, `restored-${round}`))));
    };
    for (const turn of round % 2 === 0 ? [extract, restore] : [restore, extract]) await turn();
  }
  return row({
    name: 'restore of 20,000 files, against tar extraction',
    measured: median(ours),
    unit: 'ms',
    op: '<=',
    target: median(tar),
    baseline: `tar -x ${tar.map(Math.round).join(', ')} ms; ours ${ours.map(Math.round).join(', ')} ms`,
  });
}

/** One file of the tree is changed, and the change captured. */
export async function changeRows(store: Store, tree: string): Promise<BenchRow[]> {
  const name = 'package-3/part-7/changed-file.js';
  const byScan: number[] = [];
  const byName: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    writeFileSync(join(tree, name), `changed for the scan ${round}`);
    byScan.push(await timed(() => store.capture(tree)));
    writeFileSync(join(tree, name), `changed by name ${round}`);
    byName.push(await timed(() => store.capture(tree, { changed: [name] })));
  }
  const fields = { unit: 'ms', op: '<=' } as const;
  return [
    row({ name: 'one changed file captured by scan', measured: median(byScan), target: 200, ...fields }),
    row({ name: 'one changed file captured by its name', measured: median(byName), target: 20, ...fields }),
  ];
}

/** Clones of a small and of a large tree. Another process has made them in the store; no file system has to hold them. */
export async function cloneRows(base: string): Promise<BenchRow[]> {
  const directory = join(base, 'store-clones');
  const store = await openStore({ directory });
  const medians: number[] = [];
  for (const files of [100, 100_000]) {
    const snapshot = { id: runMaker('make-synthetic.ts', directory, String(files)) };
    const times: number[] = [];
    for (let round = 0; round < 200; round += 1)
      times.push(await timed(() => store.clone(snapshot.id, `user-${round}`)));
    medians.push(median(times));
  }
  await store.close();
  const [small, large] = medians as [number, number];
  return [
    row({ name: 'clone of 100 files', measured: small, unit: 'ms', op: '<=', target: 2 }),
    row({ name: 'clone of 100,000 files', measured: large, unit: 'ms', op: '<=', target: 2 }),
    row({
      name: 'clone of 100,000 files against one of 100 (constant)',
      measured: large / small,
      unit: 'x',
      op: '<=',
      target: 1.5,
    }),
  ];
}

/** Ten environments that differ in a fiftieth of their files, in one store. */
export async function storageRow(tree: string, base: string): Promise<BenchRow> {
  const directory = join(base, 'store-variants');
  const store = await openStore({ directory });
  let copies = 0;
  for (let variant = 0; variant < 10; variant += 1) {
    for (let index = variant; index < 20_000; index += 50) {
      const name = join(tree, `package-${index % 40}`, `part-${Math.floor(index / 40) % 50}`, `file-${index}.js`);
      const file = openSync(name, 'r+');
      writeSync(file, `// ${variant}\n`, 0);
      closeSync(file);
    }
    copies += (await store.capture(tree)).snapshot.bytes;
  }
  await store.close();
  const stored = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return row({
    name: 'storage of ten variants of one environment, of ten copies',
    measured: (100 * stored) / copies,
    unit: '%',
    op: '<=',
    target: 60,
    baseline: `${Math.round(stored / 1e6)} MB stored for ${Math.round(copies / 1e6)} MB`,
  });
}
