import { parseArgs } from 'node:util';
import { buildFamily, type Family, type FrontierPoint, lowerHull, replay } from '@pilotlight/warming/replay';
import { budgetKept } from './budget.js';
import { clairvoyantGap } from './clairvoyant.js';
import { deciding } from './cost.js';
import { COARSE_PRICES, type Mark, missingPrices, type Priced, reaches } from './prices.js';
import { type Sweep, sweepOwn, sweepPrices, sweepShared } from './sweep.js';
import { arrivalsOf, traceFolder } from './traces.js';

/** One piece of the benchmark, in a process of its own: prints one JSON object. */
const { values } = parseArgs({
  options: {
    trace: { type: 'string', default: '' },
    lead: { type: 'string', default: '15' },
    part: { type: 'string', default: 'own' },
  },
});
const folder = traceFolder(values.trace);
const file = folder?.files[0];
if (!file) throw new Error(`No trace ${values.trace}. Set PILOTLIGHT_TRACES to the folder of the traces.`);
const leadSeconds = Number(values.lead);
const arrivals = await arrivalsOf(file);

/** Parameters at which each published family is replayed. */
const FAMILY_VALUES: Partial<Record<Family, readonly number[]>> = {
  'keep-alive': [5, 15, 60, 180, 600, 1_800, 7_200, 36_000, 180_000],
  newsvendor: [60, 600, 3_600, 14_400],
  'hybrid-histogram': [600, 3_600, 14_400],
};

/** Hit rates at which idle is compared. */
const HITS: readonly Mark[] = [
  { kind: 'cold', share: 0.2, within: 1.15 },
  { kind: 'cold', share: 0.1, within: 1.15 },
];
const SHARED_HITS: readonly Mark[] = [...HITS, { kind: 'cold', share: 0.05, within: 1.12 }];
const BUDGET_WITHIN = 1.3;
const MOST_MENDS = 2;
const HITS_LEAD_SECONDS = 15;

/** Of the long traces, the distance from the clairvoyant is that of their beginning. */
const GAP_CLAIMS = 100_000;

async function families(): Promise<Record<string, FrontierPoint[]>> {
  const hulls: Record<string, FrontierPoint[]> = {};
  for (const [family, list] of Object.entries(FAMILY_VALUES)) {
    const points = await Promise.all(list.map((valueSeconds) => familyPoint(family, valueSeconds)));
    for (let mend = 0; mend < MOST_MENDS; mend++) {
      const reached = HITS.filter((mark) => points.some((point) => reaches(point, mark)));
      for (const valueSeconds of missingPrices(points, reached)) points.push(await familyPoint(family, valueSeconds));
    }
    hulls[family] = lowerHull(
      points.map(({ idlePerClaim, coldShare }) => ({ idle: idlePerClaim * arrivals.length, cold: coldShare })),
    );
  }
  return hulls;
}

async function familyPoint(family: string, valueSeconds: number): Promise<Priced> {
  const policy = buildFamily(family, { leadSeconds, valueSeconds });
  const { idleSecondsPerClaim, coldShare } = await replay({ arrivals, policy, leadSeconds });
  return { valueSeconds, idlePerClaim: idleSecondsPerClaim, coldShare };
}

/** A sweep over the budgets that are compared, where there is a reference to say which those are. */
function ownSweep(): Sweep {
  const known = folder!.reference(file!.name, leadSeconds);
  if (!known) return sweepPrices({ arrivals, leadSeconds }, COARSE_PRICES);
  const perClaim = known.idleOfFixed10 / known.arrivals;
  const budgets = folder!.budgets.map(
    (budget): Mark => ({
      kind: 'idle',
      perClaim: budget * perClaim,
      within: BUDGET_WITHIN,
    }),
  );
  return sweepOwn({ arrivals, leadSeconds }, leadSeconds === HITS_LEAD_SECONDS ? [...budgets, ...HITS] : budgets);
}

async function answer(): Promise<unknown> {
  switch (values.part) {
    case 'own': {
      const { loss, ...sweep } = ownSweep();
      return sweep;
    }
    case 'families':
      return families();
    case 'generic':
      return sweepShared({ arrivals, leadSeconds, specialiseSeconds: 0.25 }, SHARED_HITS);
    case 'gap':
      return clairvoyantGap(arrivals.slice(0, GAP_CLAIMS), leadSeconds);
    case 'budget':
      return budgetKept(arrivals, folder?.reference(values.trace, leadSeconds), leadSeconds) ?? null;
    default:
      return deciding(arrivals, leadSeconds);
  }
}

process.stdout.write(`${JSON.stringify(await answer())}\n`);
