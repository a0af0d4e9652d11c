import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { HazardNetwork, seedWeights } from '../../packages/warming/src/forecast/network.js';
import { HIGHEST_LOG, LOWEST_LOG, MOST_BINS } from '../../packages/warming/src/forecast/outlook.js';
import { NETWORK_SHAPE } from '../../packages/warming/src/forecast/shape.js';
import { collectLessons, type Lesson, LessonBins } from './lessons.js';
import { arrivalsOf, traceFolder } from './traces.js';

/**
 * Fits the prior of the forecast: one network over lessons of all traces and leads, as many of each, so that no trace
 * counts for more because it is long. `--half` keeps every other runtime out and tells the loss on those;
 * `--without NAME,NAME` keeps whole traces out.
 */
const { values } = parseArgs({
  options: {
    lessons: { type: 'string', default: '10000' },
    epochs: { type: 'string', default: '14' },
    rate: { type: 'string', default: '0.002' },
    batch: { type: 'string', default: '48' },
    leads: { type: 'string', default: '15,2,60' },
    half: { type: 'boolean', default: false },
    without: { type: 'string', default: '' },
    out: { type: 'string', default: 'packages/warming/src/forecast/prior.gen.ts' },
  },
});
const STEEPEST = 8;
/** All runtimes of a trace as one, as the shared pool of the generic tier sees them: so many of the lessons besides. */
const SHARED = '*';
const SHARED_SHARE = 0.3;
const folder = traceFolder(undefined);
if (!folder) throw new Error('No traces found. Set PILOTLIGHT_TRACES to a folder with traces and baselines.json.');

let state = 7;
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 4_294_967_296;
}

const lessons: { lesson: Lesson; source: number }[] = [];
const kept: { lesson: Lesson; source: number }[] = [];
const names: string[] = [];
for (const file of folder.files) {
  const arrivals = await arrivalsOf(file);
  const keys = [...new Set(arrivals.map((arrival) => arrival.key))].sort();
  const odd = new Set(values.half ? keys.filter((_, index) => index % 2 === 1) : []);
  const left = values.without.split(',').includes(file.name);
  const source = names.push(file.name) - 1;
  for (const lead of values.leads.split(',').map(Number)) {
    const every = Math.max(1, (1.7 * arrivals.length) / Number(values.lessons));
    const found = collectLessons(arrivals, lead, every, (key) => left || odd.has(key));
    for (const lesson of found.lessons) lessons.push({ lesson, source });
    for (const lesson of found.kept) kept.push({ lesson, source });
    if (left || values.half) continue;
    const shared = arrivals.map(({ seconds }) => ({ seconds, key: SHARED }));
    for (const lesson of collectLessons(shared, lead, every / SHARED_SHARE, () => false).lessons) {
      lessons.push({ lesson, source });
    }
  }
  console.log(`${file.name}: ${lessons.length} lessons, ${kept.length} kept out`);
}

const weightOf = names.map((_, source) => {
  const mine = lessons.filter((item) => item.source === source).length;
  return mine === 0 ? 0 : Math.min(30, lessons.length / names.length / mine);
});
const network = new HazardNetwork(NETWORK_SHAPE, seedWeights(NETWORK_SHAPE));
const bins = new LessonBins();
const logs = new Float64Array(MOST_BINS);
const slopes = new Float64Array(MOST_BINS);

/** Loss of a lesson; learns from it when `weight` is given. */
function pass({ fixed, used, count }: Lesson, weight: number): number {
  network.begin(fixed, true);
  network.predict(bins, 0, count, logs);
  let loss = 0;
  for (let bin = 0; bin < count; bin++) {
    const log = Math.min(HIGHEST_LOG, Math.max(LOWEST_LOG, logs[bin]!));
    const expected = Math.exp(log) * bins.width[bin]!;
    const happened = used && bin === count - 1 ? 1 : 0;
    loss += expected - happened * log;
    slopes[bin] = weight * Math.min(STEEPEST, expected - happened);
  }
  if (weight > 0) network.backward(bins, count, slopes);
  if (weight > 0) network.end(fixed);
  return loss;
}

const epochs = Number(values.epochs);
const batch = Number(values.batch);
const steps = (epochs * lessons.length) / batch;
let step = 0;
for (let epoch = 0; epoch < epochs; epoch++) {
  for (let index = lessons.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [lessons[index], lessons[other]] = [lessons[other]!, lessons[index]!];
  }
  const sums = names.map(() => [0, 0, 0, 0]);
  for (const { lesson, source } of lessons) {
    bins.load(lesson);
    sums[source]![0]! += pass(lesson, weightOf[source]!);
    sums[source]![1]!++;
    if (network.waiting < batch) continue;
    const rate = Number(values.rate) * 0.5 * (1 + Math.cos((Math.PI * step++) / steps)) + 1e-6;
    network.step(rate, 1);
  }
  for (const { lesson, source } of kept) {
    bins.load(lesson);
    sums[source]![2]! += pass(lesson, 0);
    sums[source]![3]!++;
  }
  const shown = sums.map(([fitted, count, judged, judgedCount], source) => {
    const mean = (sum: number, of: number): string => (of > 0 ? (sum / of).toFixed(4) : '-');
    return `${names[source]!.slice(0, 9)} ${mean(fitted!, count!)}/${mean(judged!, judgedCount!)}`;
  });
  console.log(`${epoch + 1}: ${shown.join('  ')}`);
}
const numbers = [...network.weights].map((value) => Number(value.toPrecision(5)));
const text = values.out.endsWith('.json')
  ? JSON.stringify(numbers)
  : `/** Written by bench/forecast/fit.ts; see docs/forecast.md for where it comes from. */\nexport const PRIOR_WEIGHTS: readonly number[] = ${JSON.stringify(numbers)};\n`;
writeFileSync(values.out, text);
console.log(`Fitted on ${lessons.length} lessons of ${names.length} traces into ${values.out}.`);
