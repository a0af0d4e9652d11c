import { defaultPolicy } from '@pilotlight/warming/forecast';
import { Simulator } from '@pilotlight/warming/replay';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';

/** CPU time per claim of the default policy and the replay around it, in microseconds. */
export function deciding(arrivals: readonly Arrival[], leadSeconds: number): { microseconds: number } {
  const some = arrivals.slice(0, 100_000);
  const simulator = new Simulator({ policy: defaultPolicy({ defaultLeadSeconds: leadSeconds }), leadSeconds });
  const started = process.cpuUsage();
  for (const arrival of some) simulator.arrive(arrival);
  const { user, system } = process.cpuUsage(started);
  return { microseconds: (user + system) / Math.max(1, some.length) };
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
