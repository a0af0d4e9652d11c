// npm run bench:kpi: what users and engineers judge by, each figure beside its target. See bench/METHODOLOGY.md.
import { parseArgs } from 'node:util';
import { startLocalHost } from '@pilotlight/local';
import { type BenchRow, report } from '../support/report.js';
import { saveResults, surroundings } from '../support/results.js';
import { type RowsPart, writeGenerated } from '../support/tables.js';
import { browsers } from './browser.js';
import { rustBuilds, typescriptBuilds } from './builds.js';
import { files, languageServer } from './environment.js';
import { rowsOf } from './group.js';
import { agents, starts } from './starts.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '30' },
    /** Only groups whose name holds this. */
    only: { type: 'string', default: '' },
    /** Writes what was measured into bench/results. */
    save: { type: 'boolean', default: false },
  },
});

const groups = [starts, agents, files, typescriptBuilds, languageServer, rustBuilds, browsers];
const host = await startLocalHost();
const rows: BenchRow[] = [];
try {
  for (const group of groups.filter(({ name }) => name.includes(values.only))) {
    const measured = await rowsOf(group, host, Number(values.rounds));
    rows.push(...measured);
    if (values.save)
      saveResults<RowsPart & { isolation: string }>('kpi', group.name, { isolation: host.isolation, rows: measured });
    for (const { name, why } of measured) if (why !== undefined) console.error(`not measured: ${name}: ${why}`);
  }
} finally {
  await host.close();
}
if (values.save) writeGenerated();
report('kpi', rows, { ...surroundings(), isolation: host.isolation });
