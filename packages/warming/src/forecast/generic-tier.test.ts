import { describe, expect, it } from 'vitest';
import { type ReplayResult, Simulator } from '../replay/simulator.js';
import { ForecastPolicy } from './forecast.js';

const LEAD = 15;

/** Six runtimes, each claimed about every five minutes. */
function replayed(tier: { specialiseSeconds?: number; maxGeneric?: number }): ReplayResult {
  const policy = new ForecastPolicy({ coldStartValueSeconds: 2_000, ...tier });
  const simulator = new Simulator({ policy, leadSeconds: LEAD });
  for (let index = 0; index < 600; index++) {
    simulator.arrive({ seconds: 50 * index + ((index * 37) % 23), key: `runtime-${index % 6}` });
  }
  return simulator.finish();
}

describe('the generic tier', () => {
  it('answers as many claims for half the idle of own sandboxes alone', () => {
    const shared = replayed({ specialiseSeconds: 0.25 });
    const own = replayed({});
    expect(shared.specialised).toBeGreaterThan(0.1 * shared.arrivals);
    expect(shared.cold).toBeLessThanOrEqual(own.cold);
    expect(shared.idleSeconds).toBeLessThan(0.5 * own.idleSeconds);
  });

  it('leaves the claims to own sandboxes where its bound keeps it from answering', () => {
    const bounded = replayed({ specialiseSeconds: 0.25, maxGeneric: 0 });
    const own = replayed({});
    expect(bounded.specialised).toBe(0);
    expect(bounded.ownHits).toBeGreaterThan(0.8 * own.ownHits);
  });
});
