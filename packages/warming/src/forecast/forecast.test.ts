import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWarmingError } from '../errors.js';
import { Simulator } from '../replay/simulator.js';
import type { Decision } from '../target/target.js';
import { ForecastPolicy } from './forecast.js';

interface Claim {
  seconds: number;
  key: string;
}

const history = fc
  .array(
    fc.record({ gap: fc.constantFrom(0, 0.5, 3, 20, 90, 700, 5_000, 90_000), key: fc.constantFrom('a', 'b', 'c') }),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((steps) => {
    let seconds = 1_000;
    return steps.map(({ gap, key }): Claim => {
      seconds += gap;
      return { seconds, key };
    });
  });

/** All decisions along a history, wake-ups included, as the total per key after each. */
function run(policy: ForecastPolicy, claims: readonly Claim[]): { at: number; decision: Decision }[] {
  const decisions: { at: number; decision: Decision }[] = [];
  let wake: number | undefined;
  for (const { seconds, key } of claims) {
    while (wake !== undefined && wake <= seconds * 1000) {
      const decision = policy.decide(wake);
      decisions.push({ at: wake, decision });
      wake = decision.wakeAtMs;
    }
    policy.observe({ kind: 'claim', key, atMs: seconds * 1000 });
    const decision = policy.decide(seconds * 1000);
    decisions.push({ at: seconds * 1000, decision });
    wake = decision.wakeAtMs;
  }
  return decisions;
}

function targetsAt(policy: ForecastPolicy, claims: readonly Claim[], atSeconds: number): Map<string, number> {
  for (const { seconds, key } of claims) policy.observe({ kind: 'claim', key, atMs: seconds * 1000 });
  const { changed } = policy.decide(atSeconds * 1000, { full: true });
  return new Map(changed.map((target) => [target.key, target.hot]));
}

describe('the forecast policy', () => {
  it('never wants more than the bounds, whatever the history', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 3 }), (claims, maxHot) => {
        const policy = new ForecastPolicy({ coldStartValueSeconds: Infinity, maxHot });
        for (const { decision } of run(policy, claims)) {
          for (const target of decision.changed) expect(target.hot).toBeLessThanOrEqual(maxHot);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('never prepares fewer at a higher price on the same history', () => {
    fc.assert(
      fc.property(history, fc.nat(4_000), fc.tuple(fc.nat(5_000), fc.nat(5_000)), (claims, after, [one, other]) => {
        const at = claims.at(-1)!.seconds + after;
        const low = targetsAt(new ForecastPolicy({ coldStartValueSeconds: Math.min(one, other) }), claims, at);
        const high = targetsAt(new ForecastPolicy({ coldStartValueSeconds: Math.max(one, other) }), claims, at);
        for (const [key, hot] of low) expect(high.get(key) ?? 0).toBeGreaterThanOrEqual(hot);
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same output for the same input', () => {
    fc.assert(
      fc.property(history, (claims) => {
        expect(run(new ForecastPolicy(), claims)).toEqual(run(new ForecastPolicy(), claims));
      }),
      { numRuns: 20 },
    );
  });

  it('decides the same before a cut when what comes after is cut off', () => {
    fc.assert(
      fc.property(history, fc.nat(40), (claims, cut) => {
        const head = claims.slice(0, Math.max(1, cut));
        const whole = run(new ForecastPolicy(), claims);
        const part = run(new ForecastPolicy(), head);
        expect(whole.slice(0, part.length)).toEqual(part);
      }),
      { numRuns: 30 },
    );
  });

  it('holds nothing at a price of zero and something at a price without bound', () => {
    const claims = [1, 100, 200, 300].map((seconds) => ({ seconds, key: 'a' }));
    expect(targetsAt(new ForecastPolicy({ coldStartValueSeconds: 0 }), claims, 400).size).toBe(0);
    expect(targetsAt(new ForecastPolicy({ coldStartValueSeconds: Infinity }), claims, 400).get('a')).toBeGreaterThan(0);
  });

  it('stays within bounds for duplicate times and clocks that jump back', () => {
    const policy = new ForecastPolicy();
    for (const atMs of [50_000, 50_000, 10_000, 50_000, 0]) policy.observe({ kind: 'claim', key: 'a', atMs });
    const decision = policy.decide(1_000);
    expect(decision.atMs).toBe(50_000);
    for (const target of decision.changed) expect(target.hot).toBeGreaterThanOrEqual(0);
  });

  it('refuses numbers that are none, and stays as it was', () => {
    const policy = new ForecastPolicy();
    policy.observe({ kind: 'claim', key: 'a', atMs: 1_000 });
    const before = policy.save();
    const wrong = [
      () => policy.observe({ kind: 'claim', key: 'a', atMs: Number.NaN }),
      () => policy.decide(Infinity),
      () => policy.setPrice(-1),
      () => policy.observe({ kind: 'lead', key: 'a', atMs: 2_000, tier: 'hot', measuredMs: Number.NaN }),
    ];
    for (const call of wrong) expect(call).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    expect(policy.decide(2_000).changed.every((target) => Number.isFinite(target.hot))).toBe(true);
    expect(before.length).toBeGreaterThan(0);
  });

  it('orders earlier by as much as the lead time grew', () => {
    const orderedAt = (leadMs: number): number => {
      const policy = new ForecastPolicy({ coldStartValueSeconds: 90, defaultLeadSeconds: 15 });
      for (let count = 0; count < 40; count++) {
        policy.observe({ kind: 'lead', key: 'a', atMs: 0, tier: 'hot', measuredMs: leadMs });
      }
      let wake: number | undefined;
      const orders: number[] = [];
      for (let atMs = 0; atMs < 60 * 600_000; atMs += 600_000) {
        while (wake !== undefined && wake < atMs) {
          const decision = policy.decide(wake);
          if (decision.changed.some((target) => target.hot > 0)) orders.push(wake);
          wake = decision.wakeAtMs;
        }
        policy.observe({ kind: 'claim', key: 'a', atMs });
        wake = policy.decide(atMs).wakeAtMs;
      }
      const lastClaimMs = 59 * 600_000;
      return lastClaimMs - orders.at(-1)!;
    };
    const early = orderedAt(15_000);
    const earlier = orderedAt(30_000);
    expect(early).toBeGreaterThanOrEqual(15_000);
    expect(earlier - early).toBeGreaterThan(5_000);
    expect(earlier).toBeLessThan(120_000);
  });

  it('wants after a restart what it wanted before', () => {
    fc.assert(
      fc.property(history, (before) => {
        const first = new ForecastPolicy();
        run(first, before);
        const second = new ForecastPolicy();
        second.restore(first.save());
        const at = before.at(-1)!.seconds * 1000;
        const targets = (policy: ForecastPolicy) =>
          policy.decide(at, { full: true }).changed.map((target) => [target.key, target.hot]);
        expect(targets(second)).toEqual(targets(first));
      }),
      { numRuns: 100 },
    );
  });

  it('goes on learning after a restart as if nothing had happened', () => {
    const claims = Array.from({ length: 400 }, (_, index) => ({
      seconds: 1_000 + index * 37 + (index % 5) * 11,
      key: index % 3 === 0 ? 'a' : 'b',
    }));
    const options = { coldStartValueSeconds: 200, idleBudgetSecondsPerHour: 900 };
    const first = new ForecastPolicy(options);
    run(first, claims.slice(0, 250));
    first.observe({ kind: 'idle', atMs: claims[249]!.seconds * 1000, totalSeconds: 100 });
    const second = new ForecastPolicy(options);
    second.restore(first.save());
    run(first, claims.slice(250));
    run(second, claims.slice(250));
    expect(second.own.demand.learner.network.weights).toEqual(first.own.demand.learner.network.weights);
    expect(second.price).toBe(first.price);
    const at = claims.at(-1)!.seconds * 1000;
    const targets = (policy: ForecastPolicy) =>
      policy.decide(at, { full: true }).changed.map((target) => [target.key, target.hot]);
    expect(targets(second)).toEqual(targets(first));
  });

  it('never prepares fewer at a higher price along a long history with bursts', () => {
    const claims: Claim[] = [];
    for (let minute = 0; minute < 600; minute++) {
      const burst = minute % 30 === 0 ? 9 : minute % 7 === 0 ? 1 : 0;
      for (let index = 0; index < burst; index++) claims.push({ seconds: minute * 60 + index * 4, key: 'a' });
    }
    const prices = [20, 100, 500, 5_000];
    const policies = prices.map((coldStartValueSeconds) => new ForecastPolicy({ coldStartValueSeconds }));
    for (const { seconds, key } of claims) {
      const hots = policies.map((policy) => {
        policy.observe({ kind: 'claim', key, atMs: seconds * 1000 });
        return policy.decide(seconds * 1000, { full: true }).changed[0]?.hot ?? 0;
      });
      expect(hots).toEqual([...hots].sort((one, other) => one - other));
    }
  });

  it('refuses damaged, foreign and poisoned state', () => {
    const policy = new ForecastPolicy();
    policy.observe({ kind: 'claim', key: 'a', atMs: 1_000 });
    const state = policy.save();
    const damaged = state.slice();
    damaged[20]! ^= 0xff;
    policy.own.demand.learner.network.weights[0] = Number.NaN;
    for (const bytes of [damaged, state.subarray(0, 10), new Uint8Array(), policy.save()]) {
      const fresh = new ForecastPolicy();
      let caught: unknown;
      try {
        fresh.restore(bytes);
      } catch (error) {
        caught = error;
      }
      expect(isWarmingError(caught) && caught.code).toBe('ledger_corrupt');
    }
  });

  it('prepares for a hint in time and lets go when it is withdrawn', () => {
    const policy = new ForecastPolicy({ coldStartValueSeconds: 600, defaultLeadSeconds: 15 });
    policy.observe({ kind: 'claim', key: 'a', atMs: 0 });
    const quiet = 200_000_000;
    expect(policy.decide(quiet).changed.filter((target) => target.hot > 0)).toEqual([]);
    policy.observe({
      kind: 'hint',
      key: 'a',
      atMs: quiet,
      hintId: 'h',
      source: 'page',
      probability: 0.9,
      etaMs: 60_000,
    });
    const first = policy.decide(quiet);
    const wake = first.changed.some((target) => target.hot > 0) ? first : policy.decide(first.wakeAtMs!);
    expect(wake.changed.find((target) => target.key === 'a')?.hot).toBe(1);
    expect(wake.atMs).toBeLessThanOrEqual(quiet + 45_000);
    policy.observe({ kind: 'hint-withdrawn', key: 'a', atMs: wake.atMs, hintId: 'h' });
    expect(policy.decide(wake.atMs).changed.find((target) => target.key === 'a')?.hot).toBe(0);
  });

  it('believes a source less that was wrong', () => {
    const policy = new ForecastPolicy();
    for (let round = 0; round < 20; round++) {
      const atMs = round * 1_000_000;
      policy.observe({
        kind: 'hint',
        key: 'a',
        atMs,
        hintId: `h${round}`,
        source: 'noisy',
        probability: 0.9,
        etaMs: 10_000,
      });
      policy.observe({ kind: 'claim', key: 'a', atMs: atMs + 900_000 });
    }
    expect(policy.hints.reliability('noisy')).toBeLessThan(0.3);
    expect(policy.hints.reliability('never heard of')).toBe(1);
  });

  it('explains a target in sentences', () => {
    const policy = new ForecastPolicy();
    policy.observe({ kind: 'claim', key: 'a', atMs: 1_000 });
    const explanation = policy.explain('a', 20_000)!;
    expect(explanation.reasons.join(' ')).toMatch(/one claim is known/);
    expect(explanation.claimWithin10MinProbability).toBeGreaterThan(0);
    expect(policy.explain('nobody', 20_000)).toBeUndefined();
  });

  it('parks what is used too rarely to be kept hot', () => {
    const policy = new ForecastPolicy({ coldStartValueSeconds: 300 });
    const leadMs = { hot: 15_000, parkedResume: 1_000 };
    policy.observe({ kind: 'runtime', key: 'a', atMs: 0, leadMs, bounds: { maxParked: 2 } });
    for (let day = 0; day < 5; day++) policy.observe({ kind: 'claim', key: 'a', atMs: day * 86_400_000 });
    const target = policy.decide(4 * 86_400_000 + 3_600_000, { full: true }).changed[0];
    expect(target).toMatchObject({ key: 'a', hot: 0 });
    expect(target!.parked).toBeGreaterThan(0);
    expect(target!.parked).toBeLessThanOrEqual(2);
  });

  it('shares one generic pool between runtimes that are each too rare', () => {
    const policy = new ForecastPolicy({ coldStartValueSeconds: 300, specialiseSeconds: 0.25 });
    const simulator = new Simulator({ policy, leadSeconds: 15 });
    for (let index = 0; index < 400; index++) simulator.arrive({ seconds: 60 * index, key: `rare-${index % 100}` });
    const result = simulator.finish();
    expect(result.specialised / result.arrivals).toBeGreaterThan(0.9);
  });
});
