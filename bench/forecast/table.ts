import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { coldAt, sweepOwn } from './sweep.js';
import { arrivalsOf, traceFolder } from './traces.js';

/** Cold starts against the published policies, per trace and lead: `--leads 15,2 --traces a,b --most 100000 --weights F`. */
const { values } = parseArgs({
  options: {
    leads: { type: 'string', default: '15' },
    traces: { type: 'string' },
    weights: { type: 'string' },
    rate: { type: 'string' },
  },
});
const folder = traceFolder(values.traces);
if (!folder) throw new Error('No traces found. Set PILOTLIGHT_TRACES to a folder with traces and baselines.json.');
const weights = values.weights ? (JSON.parse(readFileSync(values.weights, 'utf8')) as number[]) : undefined;
for (const lead of values.leads.split(',').map(Number)) {
  for (const file of folder.files) {
    const reference = folder.reference(file.name, lead)!;
    const arrivals = await arrivalsOf(file);
    const started = process.cpuUsage();
    const perClaim = reference.idleOfFixed10 / reference.arrivals;
    const { hull, calibration, loss } = sweepOwn(
      {
        arrivals,
        leadSeconds: lead,
        ...(weights ? { weights } : {}),
        ...(values.rate ? { learning: { rate: Number(values.rate) } } : {}),
      },
      folder.budgets.map((budget) => ({ kind: 'idle', perClaim: budget * perClaim, within: 1.3 })),
    );
    const { user } = process.cpuUsage(started);
    const cold = folder.budgets.map((budget) => coldAt(hull, budget * reference.idleOfFixed10));
    const ratios = cold.map((share, index) => Number((share / reference.published[index]!).toFixed(3)));
    console.log(
      JSON.stringify({
        trace: file.name,
        lead,
        ratios,
        cold: cold.map((share) => Number(share.toPrecision(4))),
        ece: Number(calibration.expectedCalibrationError.toFixed(4)),
        skill: Number(calibration.brierSkill.toFixed(3)),
        loss: Number(loss.toFixed(4)),
        micros: Math.round(user / arrivals.length),
      }),
    );
  }
}
