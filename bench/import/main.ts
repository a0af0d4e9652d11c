// npm run bench:import: import time and installed size of the SDK beside e2b alone. Needs a build: npm run build.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report, row } from '../support/report.js';
import { saveResults } from '../support/results.js';
import { percentile, round, thousandths } from '../support/statistics.js';
import { type RowsPart, writeGenerated } from '../support/tables.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pairs = 40;

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
// In pairs, so that a slow minute hits both; who goes first changes, so that neither always follows the other. The first pair,
// which reads the disk, is thrown away.
for (let pair = 0; pair <= pairs; pair += 1) {
  const measured = { e2b: 0, sdk: 0 };
  for (const which of pair % 2 === 0 ? (['e2b', 'sdk'] as const) : (['sdk', 'e2b'] as const)) {
    measured[which] = importMs(which === 'e2b' ? 'e2b' : '@pilotlight/sdk');
  }
  if (pair === 0) continue;
  times.e2b.push(measured.e2b);
  times.sdk.push(measured.sdk);
}
const ratios = times.sdk.map((sdkMs, pair) => sdkMs / (times.e2b[pair] ?? Number.NaN));
const [low, ratio, high] = [0.25, 0.5, 0.75].map((share) => thousandths(percentile(ratios, share)));
const middleMs = (values: readonly number[]) => round(percentile(values, 0.5));
const megabytes = (folder: string) => round(sizeOf(join(root, folder)) / 1e6);
const rows = [
  row({
    name: 'import of @pilotlight/sdk (e2b included), times that of e2b alone',
    measured: ratio ?? null,
    unit: 'x',
    op: '<=',
    target: 1.15,
    baseline: `median of ${pairs} pairs, half of them in ${low} to ${high}; medians: e2b ${middleMs(times.e2b)} ms, @pilotlight/sdk ${middleMs(times.sdk)} ms`,
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
