// npm run bench:import: import time and installed size of the SDK beside e2b alone. Needs a build: npm run build.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report, row } from '../support/report.js';
import { saveResults } from '../support/results.js';
import { percentile, round } from '../support/statistics.js';
import { type RowsPart, writeGenerated } from '../support/tables.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rounds = 25;
/** What disturbs an import only ever makes it slower: the quarter of the runs that was disturbed least is compared. */
const share = 0.25;

/** Milliseconds that a fresh process takes for an import, measured inside it, so that its own start does not count. */
function importMs(name: string): number {
  const script = `const from = performance.now(); await import('${name}'); console.log(performance.now() - from);`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(root, 'packages/sdk'),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`import of ${name} failed: ${stderr.trim().split('\n').at(-1)}`);
  return Number(stdout);
}

/** Bytes of a package's own files, what it depends on not included. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    if (entry.name === 'node_modules') return sum;
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
  }, 0);
}

if (!existsSync(join(root, 'packages/sdk/dist/index.js'))) {
  console.error('There is no build to import. Run "npm run build" first.');
  process.exit(1);
}
const times = { e2b: [] as number[], sdk: [] as number[] };
// In turns, the first of each thrown away, so that a slow minute and a cold disk hit both.
for (let turn = 0; turn <= rounds; turn += 1) {
  const [e2b, sdk] = [importMs('e2b'), importMs('@pilotlight/sdk')];
  if (turn === 0) continue;
  times.e2b.push(e2b);
  times.sdk.push(sdk);
}
const [e2bMs, sdkMs] = [percentile(times.e2b, share), percentile(times.sdk, share)];
const megabytes = (folder: string) => round(sizeOf(join(root, folder)) / 1e6);
const rows = [
  row({
    name: 'import of @pilotlight/sdk (e2b included), times that of e2b alone',
    measured: Math.round((sdkMs / e2bMs) * 1000) / 1000,
    unit: 'x',
    op: '<=',
    target: 1.15,
    baseline: `first quartiles of ${rounds}: e2b ${round(e2bMs)} ms, @pilotlight/sdk ${round(sdkMs)} ms`,
  }),
];
const sizes = {
  e2bMegabytes: megabytes('node_modules/e2b'),
  sdkMegabytes: megabytes('packages/sdk/dist'),
  warmingMegabytes: megabytes('packages/warming/dist'),
};
if (process.argv.includes('--save')) {
  saveResults<RowsPart & Record<string, unknown>>('import', 'import', { rows, sizes });
  writeGenerated();
}
report('import', rows, { sizes });
