import { describe, expect, it } from 'vitest';
import { type ReplayResult, Simulator } from '../replay/simulator.js';
import { ForecastPolicy } from './forecast.js';

const LEAD = 15;

/** Claims come at random, one in 50 seconds, for any of forty runtimes. */
function replayed(tier: { specialiseSeconds?: number; maxGeneric?: number }): ReplayResult {
  const policy = new ForecastPolicy({ coldStartValueSeconds: 2_500, ...tier });
  const simulator = new Simulator({ policy, leadSeconds: LEAD });
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 4_294_967_296;
  };
  let seconds = 0;
  for (let index = 0; index < 600; index++) {
    seconds -= 50 * Math.log(uniform());
    simulator.arrive({ seconds, key: `runtime-${Math.floor(uniform() * 40)}` });
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
    // The first hundred claims or so show that it does.
    expect(bounded.ownHits).toBeGreaterThan(0.7 * own.ownHits);
  });
});
