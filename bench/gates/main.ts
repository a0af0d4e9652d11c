// npm run bench:gates: ratios of one run, never absolute times. With --enforce a failing gate fails the command, with --record
// the ratios are added to the history that is checked in.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startLocalHost } from '@pilotlight/local';
import { report, row } from '../support/report.js';
import { percentile, thousandths } from '../support/statistics.js';
import { sequential } from '../tti/scenarios.js';
import { allWays, type Way } from '../tti/ways.js';
import { type Gate, judge } from './gate.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    enforce: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '20' },
  },
});
const path = new URL('history.json', import.meta.url);
const file = JSON.parse(readFileSync(path, 'utf8')) as { version: 1; tolerance: number; gates: Record<string, Gate> };
const pairs: Record<string, readonly [Way['name'], Way['name']]> = {
  'hot against a bare command': ['hot', 'bare'],
  'hot against cold': ['hot', 'cold'],
  'linked against cold': ['linked', 'cold'],
};

/** A regression is there every time, noise is not: what exceeds its limit is measured again, and the lowest ratio counts. */
const mostAttempts = 3;

async function ratiosOf(ways: readonly Way[]): Promise<Map<string, number>> {
  const samples = await sequential(ways, Number(values.rounds));
  const median = (way: Way['name']) => percentile(samples.find((sample) => sample.way === way)?.durationsMs ?? [], 0.5);
  return new Map(Object.entries(pairs).map(([name, [measured, beside]]) => [name, median(measured) / median(beside)]));
}

const host = await startLocalHost();
const ways = allWays(host.connectionOptions, 1);
try {
  await sequential(ways, 2);
  let ratios = await ratiosOf(ways);
  const first = ratios;
  const passes = () =>
    Object.entries(file.gates).every(
      ([name, gate]) => judge(gate, ratios.get(name) ?? Number.NaN, file.tolerance).pass,
    );
  let attempts = 1;
  for (; attempts < mostAttempts && !passes(); attempts += 1) {
    const again = await ratiosOf(ways);
    ratios = new Map([...ratios].map(([name, ratio]) => [name, Math.min(ratio, again.get(name) ?? ratio)]));
  }
  const rows = Object.entries(file.gates).map(([name, gate]) => {
    const ratio = ratios.get(name) ?? Number.NaN;
    const verdict = judge(gate, ratio, file.tolerance);
    if (values.record && Number.isFinite(ratio)) gate.history.push(thousandths(first.get(name) ?? ratio));
    const drift = verdict.drift === undefined ? 'no history' : `${(verdict.drift * 100).toFixed(0)} % off the history`;
    return row({
      name,
      measured: Number.isFinite(ratio) ? thousandths(ratio) : null,
      unit: 'x',
      op: '<=',
      target: thousandths(verdict.allowed),
      baseline: `limit ${gate.limit}, tolerance ${file.tolerance * 100} %, ${drift}, ${attempts} of ${mostAttempts} attempts`,
      ...(Number.isFinite(ratio) ? {} : { why: 'no claim was answered in the way this gate is about' }),
    });
  });
  if (values.record) writeFileSync(path, `${JSON.stringify(file, undefined, 2)}\n`);
  report('gates', rows);
  if (values.enforce && rows.some(({ pass }) => !pass)) process.exitCode = 1;
} finally {
  await Promise.all(ways.map((way) => way.close()));
  await host.close();
}
