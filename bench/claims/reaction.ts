import { performance } from 'node:perf_hooks';
import { defineRuntime, MemoryLedger, RuntimeWarmingManager, specKeyOf, systemClock } from '@pilotlight/warming';
import { fixedPolicy } from '@pilotlight/warming/forecast';
import { percentile } from '../support/statistics.js';
import { hotSlot } from './engine-share.js';
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

/** Time to answer and refill claims of `changes` pools in a fleet of `pools` full ones, in milliseconds per change. */
export async function changeCost(pools: number, slotsPerPool: number, changes: number): Promise<number> {
  const runtimes = Array.from({ length: pools }, (_, index) =>
    defineRuntime({ name: `tool-${index}`, pool: { target: slotsPerPool, max: slotsPerPool * 2, link: false } }),
  );
  const ledger = new MemoryLedger(systemClock, 'bench');
  for (const runtime of runtimes) {
    for (let index = 0; index < slotsPerPool; index += 1) {
      await ledger.restore(hotSlot(ledger, runtime.name, specKeyOf(runtime), `${runtime.name}-${index}`));
    }
  }
  const hour = 3_600_000;
  const manager = new RuntimeWarmingManager({
    provider: nullProvider(),
    runtimes,
    ledger,
    fleet: 'bench',
    refillDelayMs: 0,
    sweepMs: hour,
    targetPolicy: fixedPolicy({ hot: slotsPerPool }),
    budget: { createsPerSecond: 1_000_000, burst: 1_000_000, maxSandboxes: pools * slotsPerPool * 2 },
  });
  await manager.start();
  while (manager.pools().some((pool) => pool.hot < slotsPerPool))
    await new Promise((resolve) => setTimeout(resolve, 50));
  const wanted = new Set(Array.from({ length: changes }, (_, index) => `tool-${index * Math.floor(pools / changes)}`));
  const left = new Set(wanted);
  const refilled = new Promise<void>((resolve) => {
    manager.on('pool-changed', ({ runtime, hot, claimed }) => {
      if (claimed === 1 && hot === slotsPerPool && left.delete(runtime) && left.size === 0) resolve();
    });
  });
  const beganMs = performance.now();
  for (const name of wanted) await manager.claim(name);
  await refilled;
  const costMs = (performance.now() - beganMs) / changes;
  await manager.close({ retireClaims: false, retirePool: false });
  return costMs;
}
