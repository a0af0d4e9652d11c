import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchRow, report, row } from '../support/report.js';
import { measureCaptures } from './captures.js';
import { runMaker } from './maker.js';
import { changeRows, cloneRows, restoreRow, storageRow } from './store-rows.js';
import { treeFiles } from './tree.js';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, directory: { type: 'string', default: tmpdir() } },
  strict: true,
});

/** Nothing is deleted between measurements: ext4 makes new files slowly for a while after many were removed. */
const base = mkdtempSync(join(values.directory, 'pilotlight-bench-snapshots-'));
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    rmSync(base, { recursive: true, force: true });
    process.exit(code);
  });
}
const megabytes = () => process.resourceUsage().maxRSS / 1000;
const say = (text: string) => process.stderr.write(`${text}\n`);
try {
  say(`generating ${treeFiles} files in ${base}`);
  const tree = join(base, 'tree');
  const bytes = Number(runMaker('make-tree.ts', tree));
  const rows: BenchRow[] = [];
  say('captures, beside the others');
  const captures = await measureCaptures(tree, base);
  rows.push(...captures.rows);
  say('restores, beside tar');
  rows.push(await restoreRow(captures, tree, base));
  say('clones and changes');
  rows.push(...(await cloneRows(base)));
  rows.push(...(await changeRows(captures.store, tree)));
  await captures.store.close();
  say('ten variants');
  rows.push(await storageRow(tree, base));
  const afterStore = megabytes();
  say('building, bundling and specialising on the local host');
  const { specialiseRows } = await import('./specialise-rows.js');
  rows.push(...(await specialiseRows(base)));
  rows.push(
    row({
      name: 'resident memory, highest of the whole run',
      measured: megabytes(),
      unit: 'MB',
      op: '<=',
      target: 300,
      baseline: `this process with its threads and the e2b package; ${Math.round(afterStore)} MB before packs`,
    }),
  );
  report('snapshots', rows, {
    files: treeFiles,
    bytes,
    contestants: captures.contestants,
    machine: { node: process.version, directory: values.directory },
  });
} finally {
  await rm(base, { recursive: true, force: true });
}
