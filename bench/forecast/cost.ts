import { defaultPolicy } from '@pilotlight/warming/forecast';
import { Simulator } from '@pilotlight/warming/replay';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';

const MOST_CLAIMS = 100_000;
/** Claims that are decided first without being counted: a service compiles once and then decides for weeks. */
const WARM_CLAIMS = 20_000;

/** CPU time per claim of the default policy and the replay around it, in microseconds. */
export function deciding(arrivals: readonly Arrival[], leadSeconds: number): { microseconds: number } {
  const some = arrivals.slice(0, MOST_CLAIMS);
  replayed(some.slice(0, WARM_CLAIMS), leadSeconds);
  return { microseconds: replayed(some, leadSeconds) / Math.max(1, some.length) };
}

function replayed(arrivals: readonly Arrival[], leadSeconds: number): number {
  const simulator = new Simulator({ policy: defaultPolicy({ defaultLeadSeconds: leadSeconds }), leadSeconds });
  const started = process.cpuUsage();
  for (const arrival of arrivals) simulator.arrive(arrival);
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

/** The same with two claims each of 100 000 runtimes, and what the state takes per unit. */
export function manyKeys(): { microseconds: number; bytesPerUnit: number } {
  const policy = defaultPolicy();
  const keys = 100_000;
  const claims = 2 * keys;
  const started = process.cpuUsage();
  let state = 1;
  for (let index = 0; index < claims; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    policy.observe({ kind: 'claim', key: `k${index < keys ? index : state % keys}`, atMs: index * 100 });
    policy.decide(index * 100);
  }
  const { user, system } = process.cpuUsage(started);
  const { bytes, sharedBytes = 0, units } = policy.size();
  return { microseconds: (user + system) / claims, bytesPerUnit: (bytes - sharedBytes) / units };
}
