import { setTimeout as delay } from 'node:timers/promises';
import type { Taken, Way } from './ways.js';

export type ScenarioName = 'sequential' | 'staggered' | 'burst';

/** Durations in milliseconds of the claims that were answered in the way asked for, and how many were not. */
export interface Sample {
  readonly scenario: ScenarioName;
  readonly way: Way['name'];
  readonly durationsMs: number[];
  readonly otherwise: number;
}

/**
 * One after another, the ways in turns, so that a slow minute hits all of them. Every pool is full again before the next
 * claim: at a provider a refill happens on other machines, here it would be measured.
 */
export async function sequential(ways: readonly Way[], rounds: number): Promise<Sample[]> {
  const taken = ways.map(() => [] as Taken[]);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, way] of ways.entries()) {
      for (const each of ways) await each.prepare(1);
      const one = await way.take();
      await one.end();
      taken[index]?.push(one);
    }
  }
  return ways.map((way, index) => sampleOf('sequential', way, taken[index] ?? []));
}

/** `count` claims, evenly spread over `spanMs`, whether or not earlier ones were answered. */
export async function staggered(way: Way, count: number, spanMs: number): Promise<Sample> {
  await way.prepare(count);
  const taken = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      await delay((index * spanMs) / count);
      return way.take();
    }),
  );
  await Promise.all(taken.map((one) => one.end()));
  return sampleOf('staggered', way, taken);
}

/** `count` claims at once. */
export async function burst(way: Way, count: number): Promise<Sample> {
  await way.prepare(count);
  const taken = await Promise.all(Array.from({ length: count }, () => way.take()));
  await Promise.all(taken.map((one) => one.end()));
  return sampleOf('burst', way, taken);
}

function sampleOf(scenario: ScenarioName, way: Way, taken: readonly Taken[]): Sample {
  const durationsMs = taken.map((one) => one.durationMs).filter((durationMs) => durationMs !== undefined);
  return { scenario, way: way.name, durationsMs, otherwise: taken.length - durationsMs.length };
}
