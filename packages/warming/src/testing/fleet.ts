import type { ClaimAnswer, WarmingAnswer } from '../claim.js';
import { RuntimeWarmingManager } from '../manager.js';
import type { RuntimeWarmingManagerOptions } from '../options.js';
import { defineRuntime, type RuntimeSpec } from '../runtime.js';
import { FakeClock } from './fake-clock.js';
import { FakeProvider } from './fake-provider.js';

/** A manager over a fake provider and a clock of its own, closed at the end of the test. */
export class TestFleet {
  readonly clock = new FakeClock();
  readonly provider = new FakeProvider(this.clock);
  readonly manager: RuntimeWarmingManager;

  constructor(spec: Partial<RuntimeSpec> = {}, options: Partial<RuntimeWarmingManagerOptions> = {}) {
    let ids = 0;
    const runtime = defineRuntime({ name: 'tool', steps: [{ name: 'install', run: 'install it' }], ...spec });
    this.manager = new RuntimeWarmingManager({
      provider: this.provider,
      runtimes: [runtime],
      clock: this.clock,
      random: () => 0,
      newId: () => `id-${++ids}`,
      ...options,
    });
  }

  /** Started, and with its pools as full as they get. */
  async filled(): Promise<this> {
    await this.manager.start();
    await this.clock.advance(500);
    return this;
  }

  pool(name = 'tool') {
    return this.manager.pools().find((pool) => pool.runtime === name);
  }
}

export function warming(answer: ClaimAnswer): WarmingAnswer {
  if (answer.state !== 'WARMING') throw new Error('expected a claim that waits');
  return answer;
}
