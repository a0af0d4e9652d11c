import { parseArgs } from 'node:util';
import { coldAt, type FrontierPoint, idleFor, lowerHull } from '@pilotlight/warming/replay';
import { type BenchRow, report, row } from '../support/report.js';
import type { BudgetKept } from './budget.js';
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
/** Hit rates at which idle is compared with that of a fixed keep-alive, in %. */
const HITS = [80, 90];

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
  const keepAlive = families.map((family) => family['keep-alive']!);
  for (const [at, file] of files.entries()) {
    const { hull, calibration, stateBytesPerUnit, keyColdShareP75, results } = answers[at]!;
    const { expectedCalibrationError, brierSkill, table } = calibration;
    const of = `${file.name}:`;
    rows.push(
      row({ name: `${of} calibration error`, measured: expectedCalibrationError, unit: '', op: '<=', target: 0.02 }),
      row({ name: `${of} Brier skill above 0`, measured: brierSkill, unit: '', op: '>=', target: 1e-6 }),
      row({ name: `${of} state per unit`, measured: stateBytesPerUnit, unit: 'bytes', op: '<=', target: 1024 }),
    );
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
  const shared = await Promise.all(files.map((file) => sharedHull(file.name)));
  return [
    ...rows,
    ...hitRows(
      'own sandboxes',
      answers.map(({ hull }) => hull),
      keepAlive,
    ),
    ...hitRows('own and generic sandboxes', shared, keepAlive),
  ];
}

/** Idle of ours for a hit rate against that of the keep-alive, over the traces on which both reach it. */
function hitRows(tiers: string, ours: readonly (FrontierPoint[] | undefined)[], theirs: FrontierPoint[][]): BenchRow[] {
  return HITS.map((hit) => {
    const ratios = ours.flatMap((hull, at) => {
      const idle = hull && idleFor(hull, 1 - hit / 100);
      const least = idleFor(theirs[at]!, 1 - hit / 100);
      return idle === undefined || least === undefined ? [] : [idle / least];
    });
    const name = `idle for ${hit} % hits with ${tiers}, of a fixed keep-alive (geometric mean of ${ratios.length} traces)`;
    return row({ name, measured: geometricMean(ratios), unit: '', op: '<=', target: 0.5 });
  });
}

/** Traces of many runtimes are replayed with a generic tier too. */
async function sharedHull(name: string): Promise<FrontierPoint[] | undefined> {
  if (SHARED_GOALS[name] === undefined) return undefined;
  const points = await work.part<Sweep['results']>('generic', name, LEAD);
  return lowerHull(points.map((item) => ({ idle: item.idleSeconds, cold: item.cold / item.arrivals })));
}

async function sharedTier(): Promise<BenchRow[]> {
  const files = folder!.files.filter((file) => SHARED_GOALS[file.name] !== undefined);
  return Promise.all(
    files.map(async ({ name }) => {
      const hull = (await sharedHull(name))!;
      const points = await work.part<Sweep['results']>('generic', name, LEAD);
      const { arrivals } = points[0]!;
      const idle = idleFor(hull, 0.05);
      const near = points.toSorted((a, b) => apart(a) - apart(b))[0]!;
      return row({
        name: `${name}: idle per claim for 95 % hits with a generic tier`,
        measured: idle === undefined ? null : idle / arrivals,
        unit: 's',
        op: '<=',
        target: SHARED_GOALS[name]!,
        baseline: `${((100 * near.specialised) / arrivals).toFixed(1)} % of claims specialised`,
        ...(idle === undefined ? { why: 'not reached within the sweep' } : {}),
      });
    }),
  );
}

function apart({ cold, arrivals }: { cold: number; arrivals: number }): number {
  return Math.abs(cold / arrivals - 0.05);
}

/** Never above the budget by more than a twentieth; what is left over is shown beside it. */
async function budgets(): Promise<BenchRow[]> {
  const answers = await Promise.all(
    folder!.files.map(async ({ name }) => ({ name, kept: await work.part<BudgetKept | null>('budget', name, LEAD) })),
  );
  return answers.flatMap(({ name, kept }) => {
    if (kept === null) return [];
    const title = `${name}: budget, most spent since the start at any minute after the first hour`;
    const baseline = `${kept.spentAtEnd.toFixed(3)} at the end, ${(100 * kept.cold).toFixed(1)} % cold, ${kept.sandboxesAtOnce.toPrecision(2)} sandboxes`;
    return [row({ name: title, measured: kept.mostSpent, unit: 'of it', op: '<=', target: 1.05, baseline })];
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
