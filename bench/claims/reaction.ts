import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { defineRuntime, RuntimeWarmingManager } from '@pilotlight/warming';
import { percentile } from '../support/statistics.js';
import { nullProvider } from './null-provider.js';

/** From the answer to a hot claim to the create call of its refill, 99th percentile, in milliseconds. */
export async function refillReaction(rounds: number): Promise<number> {
  let created = () => undefined as undefined;
  const manager = new RuntimeWarmingManager({
    provider: nullProvider(() => created()),
    runtimes: [defineRuntime({ name: 'tool', pool: { target: 1, max: rounds + 10, link: false } })],
    budget: { createsPerSecond: 1_000, burst: 1_000, maxSandboxes: rounds + 10 },
  });
  const filled = async () => {
    while (manager.pools()[0]?.hot !== 1) await new Promise((resolve) => manager.once('pool-changed', resolve));
  };
  await manager.start();
  const reactionsMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await filled();
    const create = new Promise<number>((resolve) => {
      created = () => {
        resolve(performance.now());
        return undefined;
      };
    });
    await manager.claim('tool');
    const answeredMs = performance.now();
    reactionsMs.push((await create) - answeredMs);
  }
  await manager.close();
  return percentile(reactionsMs, 0.99);
}

/** Time to answer and refill claims of `changes` pools in a fleet of `pools`, in milliseconds per change. */
export async function changeCost(pools: number, slotsPerPool: number, changes: number): Promise<number> {
  const runtimes = Array.from({ length: pools }, (_, index) =>
    defineRuntime({ name: `tool-${index}`, pool: { target: slotsPerPool, max: slotsPerPool * 2, link: false } }),
  );
  const total = pools * slotsPerPool;
  const manager = new RuntimeWarmingManager({
    provider: nullProvider(),
    runtimes,
    refillDelayMs: 0,
    sweepMs: 3_600_000,
    budget: { createsPerSecond: 1_000_000, burst: 1_000_000, maxSandboxes: total * 2, maxConcurrentCreates: 1_000 },
  });
  await manager.start();
  const full = () => manager.pools().every((pool) => pool.hot === slotsPerPool);
  while (!full()) await new Promise((resolve) => setTimeout(resolve, 100));
  const step = Math.floor(pools / changes);
  const refilled = new Set<string>();
  const wanted = new Set(Array.from({ length: changes }, (_, index) => `tool-${index * step}`));
  let done = () => undefined as undefined;
  const all = new Promise<void>((resolve) => {
    done = () => {
      resolve();
      return undefined;
    };
  });
  manager.on('pool-changed', ({ runtime, hot, claimed }) => {
    if (wanted.has(runtime) && claimed === 1 && hot === slotsPerPool) refilled.add(runtime);
    if (refilled.size === wanted.size) done();
  });
  const beganMs = performance.now();
  await Promise.all([...wanted].map((name) => manager.claim(name)));
  await all;
  const costMs = (performance.now() - beganMs) / changes;
  // Ending a hundred thousand sandboxes one by one is not what is measured.
  const closing = manager.close();
  await Promise.race([closing, once(process, 'beforeExit'), new Promise((resolve) => setTimeout(resolve, 30_000))]);
  return costMs;
}
