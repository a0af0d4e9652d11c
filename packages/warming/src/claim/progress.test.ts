import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WarmingProgress } from '../claim.js';
import { FakeClock } from '../testing/fake-clock.js';
import { measureWay, type WayPiece } from './progress.js';
import { WarmingClaim } from './warming-claim.js';

function piece(name: string, p50Ms: number, after: string[] = [], samples = 3): WayPiece {
  return { name, phase: 'warming', step: name, after, expected: { p50Ms, p90Ms: p50Ms * 2, samples } };
}

describe('the way to a hot sandbox', () => {
  it('is measured by expected work, and the time left by the longest chain', () => {
    const pieces = [piece('a', 100), piece('b', 300, ['a']), piece('c', 100, ['a'])];
    const measure = measureWay(
      pieces,
      {
        begun: new Map([
          ['a', 0],
          ['b', 100],
        ]),
        ended: new Map([['a', 100]]),
      },
      250,
    );
    expect(measure.progress).toBeCloseTo((100 + 150) / 500);
    expect(measure.eta).toEqual({ p50Ms: 150, p90Ms: 450, samples: 3 });
    expect(measure.step).toBe('b');
  });

  it('a piece that takes longer than expected stands still and never ends the way', () => {
    const measure = measureWay([piece('a', 100)], { begun: new Map([['a', 0]]), ended: new Map() }, 1_000_000);
    expect(measure.progress).toBeCloseTo(0.95);
    expect(measure.eta.p50Ms).toBe(0);
  });

  it('I10 progress never falls and has exactly one terminal event, whatever is measured and however it ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -1, max: 2, noNaN: true }), { maxLength: 20 }),
        fc.constantFrom('hot', 'failed', 'cancelled'),
        async (measures, end) => {
          const clock = new FakeClock();
          const seen: WarmingProgress[] = [];
          const claim = new WarmingClaim({
            claimId: 'claim',
            runtime: 'tool',
            reason: 'pool_empty',
            clock,
            startedMs: 0,
            report: (event) => seen.push(event),
            giveUp: async () => undefined,
          });
          const followers = [follow(claim), follow(claim)];
          for (const progress of measures) {
            claim.follow(() => ({
              progress,
              phase: 'warming',
              step: undefined,
              eta: { p50Ms: 1, p90Ms: 2, samples: 1 },
            }));
            await clock.advance(300);
          }
          const finish = () => {
            if (end === 'hot') claim.succeed({ claimId: 'claim' } as never);
            else if (end === 'failed') claim.fail(new Error('no'));
            else void claim.cancel();
          };
          finish();
          finish();
          claim.report();
          void claim.cancel();
          for (const events of [seen, ...(await Promise.all(followers))]) {
            const values = events.map((event) => event.progress);
            expect(values).toEqual([...values].sort((first, second) => first - second));
            expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
            expect(events.filter((event) => event.outcome).map((event) => event.outcome)).toEqual([end]);
            expect(events.at(-1)?.outcome).toBe(end);
          }
          expect(clock.timers).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});

async function follow(claim: WarmingClaim): Promise<WarmingProgress[]> {
  const events: WarmingProgress[] = [];
  for await (const event of claim) events.push(event);
  return events;
}
