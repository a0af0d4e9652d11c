import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Arrival } from '@pilotlight/warming/replay';
import { Demand } from '../../packages/warming/src/forecast/demand.js';
import { Learner } from '../../packages/warming/src/forecast/learner.js';
import { seedWeights } from '../../packages/warming/src/forecast/network.js';
import { NETWORK_SHAPE } from '../../packages/warming/src/forecast/shape.js';
import { arrivalsOf, traceFolder } from './traces.js';

/**
 * Fits the prior of the forecast: one network over all traces and leads, in turns of 200 claims, so that no trace is the
 * last it saw. Longer traces get more turns, by the root of their length; each pass takes a window of at most 60 000
 * claims. `--half 0` fits on every other key only, to be judged on the rest.
 */
const { values } = parseArgs({
  options: {
    claims: { type: 'string', default: '4000000' },
    rate: { type: 'string', default: '0.002' },
    half: { type: 'string' },
    without: { type: 'string', default: '' },
    out: { type: 'string', default: 'packages/warming/src/forecast/prior.gen.ts' },
  },
});
const TURN = 200;
const WINDOW = 60_000;
const LEADS = [15, 2, 60, 15];
const total = Number(values.claims);
let done = 0;
let state = 7;

function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 4_294_967_296;
}

const learning = {
  batch: 16,
  averaging: 5e-4,
  get rate(): number {
    return Number(values.rate) * Math.max(0, 1 - done / total) ** 1.5 + 3e-5;
  },
};
const shared = new Learner(learning, seedWeights(NETWORK_SHAPE));

function* pass(arrivals: Arrival[], lead: number): Generator<void> {
  const start = arrivals.length > WINDOW ? Math.floor(random() * (arrivals.length - WINDOW)) : 0;
  const demand = new Demand(new Learner(learning, undefined, shared.network));
  for (let index = start; index < Math.min(arrivals.length, start + WINDOW); index++) {
    const { key, seconds } = arrivals[index]!;
    demand.claim(demand.key(key, lead, seconds), seconds);
    if ((index - start) % TURN === TURN - 1) yield;
  }
}

const folder = traceFolder(undefined);
if (!folder) throw new Error('No traces found. Set PILOTLIGHT_TRACES to a folder with traces and baselines.json.');
interface Source {
  arrivals: Arrival[];
  weight: number;
  passes: number;
  run: Generator<void> | undefined;
}

const sources: Source[] = [];
for (const file of folder.files.filter(({ name }) => name !== values.without)) {
  const all = await arrivalsOf(file);
  const keys = [...new Set(all.map((arrival) => arrival.key))].sort();
  const kept = new Set(values.half === undefined ? keys : keys.filter((_, index) => index % 2 === Number(values.half)));
  const arrivals = all.filter((arrival) => kept.has(arrival.key));
  sources.push({
    arrivals,
    weight: Math.sqrt(arrivals.length),
    passes: sources.length,
    run: undefined,
  });
}
function drawn(at: number): Source {
  let rest = at;
  for (const source of sources) {
    rest -= source.weight;
    if (rest < 0) return source;
  }
  return sources[0]!;
}

const weight = sources.reduce((sum, source) => sum + source.weight, 0);
while (done < total) {
  const source = drawn(random() * weight);
  source.run ??= pass(source.arrivals, LEADS[source.passes++ % LEADS.length]!);
  if (source.run.next().done) source.run = undefined;
  done += TURN;
}
const numbers = [...shared.network.averaged].map((value) => Number(value.toPrecision(6)));
const text = `/** Written by bench/forecast/fit.ts; see docs/forecast.md for where it comes from. */\nexport const PRIOR_WEIGHTS: readonly number[] = ${JSON.stringify(numbers)};\n`;
writeFileSync(values.out, text);
console.log(`Fitted on ${done} claims of ${sources.length} traces into ${values.out}.`);
