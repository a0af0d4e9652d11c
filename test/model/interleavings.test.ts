import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle } from '../../packages/warming/src/testing/fake-clock.js';
import { type Passage, tool, World } from './world.js';

/** Lets one call at a time through, in an order the scheduler chooses. */
async function explore(world: World, scheduler: fc.Scheduler, enough: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !enough(); turn += 1) {
    if (scheduler.count() > 0) await scheduler.waitOne();
    else await world.clock.advance(50);
    await settle();
  }
  expect(enough(), 'everything came to an end').toBe(true);
}

function passageOf(scheduler: fc.Scheduler, replica: number): Passage {
  return {
    before: (port, operation) =>
      scheduler.schedule(Promise.resolve(), `${replica} ${port} ${operation}`).then(() => undefined),
    after: () => undefined,
  };
}

describe('three replicas whose calls come through in any order', () => {
  it('I1 claims are a linearizable take: nobody shares, and no hot sandbox is passed over twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const world = new World();
        const replicas = [0, 1, 2].map((index) => world.manager(passageOf(scheduler, index)));
        const taken: string[] = [];
        const failed: unknown[] = [];
        for (const manager of replicas) {
          for (let count = 0; count < 2; count += 1) {
            manager
              .claim('tool')
              .then((answer) => answer.ready)
              .then((claim) => taken.push(claim.connection.sandboxId))
              .catch((error: unknown) => failed.push(error));
          }
        }
        await explore(world, scheduler, () => taken.length + failed.length === 6);
        expect(failed).toEqual([]);
        expect(new Set(taken).size).toBe(6);
        expect(world.provider.peak).toBeLessThanOrEqual(tool.pool.max);
        for (const claims of world.claimants.values()) expect(claims.size).toBe(1);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('I4 the same key asked of all of them gives one sandbox', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const world = new World();
        const replicas = [0, 1, 2].map((index) => world.manager(passageOf(scheduler, index)));
        const taken: string[] = [];
        const failed: unknown[] = [];
        for (const manager of replicas) {
          manager
            .claim('tool', { key: 'job' })
            .then((answer) => answer.ready)
            .then((claim) => taken.push(claim.connection.sandboxId))
            .catch((error: unknown) => failed.push(error));
        }
        await explore(world, scheduler, () => taken.length + failed.length === 3);
        expect(failed).toEqual([]);
        expect(new Set(taken).size).toBe(1);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('I2 a list that lags makes nobody create too much: over-creation is exactly 0', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 0, max: 60_000 }), async (scheduler, listLagMs) => {
        const world = new World();
        world.provider.listLagMs = listLagMs;
        const replicas = [0, 1, 2].map((index) => world.manager(passageOf(scheduler, index)));
        let started = 0;
        for (const manager of replicas) void manager.start().then(() => (started += 1));
        const filled = () => replicas.every((manager) => manager.pools()[0]?.hot === tool.pool.target);
        await explore(world, scheduler, () => started === 3 && filled());
        const from = world.clock.monotonicMs();
        await explore(world, scheduler, () => world.clock.monotonicMs() - from > 20_000);
        expect(world.provider.created).toBe(tool.pool.target);
        expect(world.provider.killed).toEqual([]);
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
