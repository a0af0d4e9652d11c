import { parseArgs } from 'node:util';
import { coldAt, type FrontierPoint, idleFor, lowerHull } from '@pilotlight/warming/replay';
import { type BenchRow, report, row } from '../support/report.js';
import type { ClairvoyantGap } from './clairvoyant.js';
import { manyKeys } from './cost.js';
import type { Sweep } from './sweep.js';
import { traceFolder } from './traces.js';
import { Work } from './work.js';

/** What the issue asks for: cold starts against the published policies, at 0.25 to 4 times the idle of the fixed pool. */
const GOALS: Record<number, number[]> = {
  15: [0.65, 0.7, 0.75, 0.8, 0.88],
  2: [0.65, 0.75, 0.82, 0.88, 0.88],
  60: [0.7, 0.76, 0.8, 0.84, 0.88],
};
const FLOOR = 1.02;
const SHARED_GOALS: Record<string, number> = {
  alibaba_genai: 110,
  azure2019_day: 10.5,
  lcg2005_grid: 28,
  devcommits: 390,
};
const LEAD = 15;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    leads: { type: 'string', default: '15,2,60' },
    traces: { type: 'string' },
    /** Folder in which the answers of parts are kept, so that a run that was ended goes on. */
    keep: { type: 'string' },
  },
});
const folder = traceFolder(values.traces);
const detail: Record<string, unknown>[] = [];
const work = new Work(values.keep);

type OwnAnswer = Pick<Sweep, 'hull' | 'calibration' | 'results' | 'stateBytesPerUnit' | 'keyColdShareP75'>;

const geometricMean = (list: number[]): number | null =>
  list.length === 0
    ? null
    : Math.exp(list.reduce((sum, value) => sum + Math.log(Math.max(value, 1e-9)), 0) / list.length);

async function ownTier(lead: number): Promise<BenchRow[]> {
  const { files, budgets, reference } = folder!;
  const rows: BenchRow[] = [];
  const answers = await Promise.all(files.map((file) => work.part<OwnAnswer>('own', file.name, lead)));
  const goals = GOALS[lead] ?? [];
  const ratios = budgets.map((budget, index) =>
    files.flatMap((file, at) => {
      const known = reference(file.name, lead);
      if (!known) return [];
      const ratio = coldAt(answers[at]!.hull, budget * known.idleOfFixed10) / known.published[index]!;
      const name = `${file.name}: cold at ${budget}x, lead ${lead} s, of published`;
      rows.push(row({ name, measured: ratio, unit: '', op: '<=', target: FLOOR }));
      return [ratio];
    }),
  );
  for (const [index, budget] of budgets.entries()) {
    const name = `cold at ${budget}x, lead ${lead} s, of published (geometric mean)`;
    rows.push(row({ name, measured: geometricMean(ratios[index]!), unit: '', op: '<=', target: goals[index] ?? 1 }));
  }
  return lead === LEAD ? [...rows, ...(await beside(answers))] : rows;
}

async function beside(answers: readonly OwnAnswer[]): Promise<BenchRow[]> {
  const { files, budgets, reference } = folder!;
  const rows: BenchRow[] = [];
  const [families, gaps] = await Promise.all([
    Promise.all(files.map((file) => work.part<Record<string, FrontierPoint[]>>('families', file.name, LEAD))),
    Promise.all(files.map((file) => work.part<ClairvoyantGap>('gap', file.name, LEAD))),
  ]);
  const shares: Record<string, number[]> = { '80': [], '90': [] };
  for (const [at, file] of files.entries()) {
    const { hull, calibration, stateBytesPerUnit, keyColdShareP75, results } = answers[at]!;
    const { expectedCalibrationError, brierSkill, table } = calibration;
    const of = `${file.name}:`;
    rows.push(
      row({ name: `${of} calibration error`, measured: expectedCalibrationError, unit: '', op: '<=', target: 0.02 }),
      row({ name: `${of} Brier skill above 0`, measured: brierSkill, unit: '', op: '>=', target: 1e-6 }),
      row({ name: `${of} state per unit`, measured: stateBytesPerUnit, unit: 'bytes', op: '<=', target: 1024 }),
    );
    for (const [hit, list] of Object.entries(shares)) {
      const ours = idleFor(hull, 1 - Number(hit) / 100);
      const theirs = idleFor(families[at]!['keep-alive']!, 1 - Number(hit) / 100);
      if (ours !== undefined && theirs !== undefined) list.push(ours / theirs);
    }
    const known = reference(file.name, LEAD);
    const at1x = known?.idleOfFixed10 ?? 0;
    detail.push({
      trace: file.name,
      budgets,
      coldOfForecast: budgets.map((budget) => coldAt(hull, budget * at1x)),
      coldOfFamilies: Object.fromEntries(
        Object.entries(families[at]!).map(([name, points]) => [name, budgets.map((b) => coldAt(points, b * at1x))]),
      ),
      learnedReference: known?.learned,
      seedRule: known?.seedRule,
      keyColdShareP75: results.map((result, index) => ({
        valueSeconds: result.valueSeconds,
        share: keyColdShareP75[index],
      })),
      reliability: table,
      gap: gaps[at],
    });
  }
  for (const [hit, list] of Object.entries(shares)) {
    const name = `idle for ${hit} % hits, of keep-alive (geometric mean of ${list.length} traces that reach it)`;
    rows.push(row({ name, measured: geometricMean(list), unit: '', op: '<=', target: 0.5 }));
  }
  return rows;
}

async function sharedTier(): Promise<BenchRow[]> {
  const files = folder!.files.filter((file) => SHARED_GOALS[file.name] !== undefined);
  const answers = await Promise.all(files.map((file) => work.part<Sweep['results']>('generic', file.name, LEAD)));
  return files.map((file, at) => {
    const points = answers[at]!;
    const hull = lowerHull(
      points.map((item) => ({ idle: item.idleSeconds / item.arrivals, cold: item.cold / item.arrivals })),
    );
    const measured = idleFor(hull, 0.05) ?? null;
    const near = points.find((item) => item.cold / item.arrivals <= 0.05);
    const baseline = near && `${((100 * near.specialised) / near.arrivals).toFixed(1)} % of claims specialised`;
    return row({
      name: `${file.name}: idle per claim for 95 % hits with a generic tier`,
      measured,
      unit: 's',
      op: '<=',
      target: SHARED_GOALS[file.name]!,
      ...(baseline ? { baseline } : {}),
      ...(measured === null ? { why: 'not reached within the sweep' } : {}),
    });
  });
}

async function budgets(): Promise<BenchRow[]> {
  const answers = await Promise.all(
    folder!.files.map(async ({ name }) => ({ name, kept: await work.part<number | null>('budget', name, LEAD) })),
  );
  return answers.flatMap(({ name, kept }) => {
    const title = `${name}: budget, worst mean since the start at a full hour after the first`;
    return kept === null ? [] : [row({ name: title, measured: kept, unit: 'off by', op: '<=', target: 0.05 })];
  });
}

/** Times of the processor are taken one after the other, when nothing else runs. */
async function costs(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { name } of folder?.files ?? []) {
    const { microseconds } = await work.part<{ microseconds: number }>('cost', name, LEAD);
    rows.push(row({ name: `${name}: deciding`, measured: microseconds, unit: 'µs of CPU', op: '<=', target: 50 }));
  }
  const { microseconds, bytesPerUnit } = manyKeys();
  return [
    ...rows,
    row({ name: 'deciding with 100 000 keys', measured: microseconds, unit: 'µs of CPU', op: '<=', target: 50 }),
    row({ name: 'state with 100 000 keys', measured: bytesPerUnit, unit: 'bytes per unit', op: '<=', target: 1024 }),
  ];
}

const withTraces = async (): Promise<BenchRow[]> => {
  const [first, ...others] = values.leads.split(',').map(Number);
  return (await Promise.all([ownTier(first!), sharedTier(), budgets(), ...others.map(ownTier)])).flat();
};
const why = 'no traces: set PILOTLIGHT_TRACES';
const rows = folder
  ? await withTraces()
  : [row({ name: 'cold starts of published policies', measured: null, unit: '', op: '<=', target: 0.75, why })];
report('forecast', [...rows, ...(await costs())], { detail });
