import type { Claim, ClaimAnswer, RuntimeWarmingManager } from '@pilotlight/warming';
import { describe, expect, it } from 'vitest';
import { settle } from '../../packages/warming/src/testing/fake-clock.js';
import { Mortal, orphanBoundMs, World } from './world.js';

/** A life of a process: fills the pool, hands out hot and cold, prolongs, keeps, ends. Tells which claims were acknowledged. */
async function life(world: World, manager: RuntimeWarmingManager, acked: Set<string>): Promise<void> {
  const step = () => world.clock.advance(200);
  const use = async (answer: ClaimAnswer | undefined): Promise<Claim | undefined> => {
    if (!answer) return undefined;
    const ready = answer.ready.catch(() => undefined);
    await step();
    const claim = await soon(ready);
    if (claim && (await done(claim.ack()))) acked.add(claim.connection.sandboxId);
    return claim;
  };
  const ask = (request = {}) => soon(manager.claim('tool', request));
  if (!(await done(manager.start()))) return;
  await step();
  const first = await use(await ask({ userId: 'ada', key: 'job' }));
  const second = await use(await ask({ files: [{ path: 'a', content: 'b' }] }));
  const third = await use(await ask());
  const cold = await use(await ask({ userId: 'bob' }));
  await step();
  if (first) await done(first.renew(400_000));
  if (second) {
    acked.delete(second.connection.sandboxId);
    await done(second.retire());
  }
  if (third) {
    acked.delete(third.connection.sandboxId);
    await done(third.retire());
  }
  if (cold?.keep) {
    acked.delete(cold.connection.sandboxId);
    await done(cold.keep());
  }
  await step();
  const again = await use(await ask({ userId: 'bob', affinity: 'prefer' }));
  if (again) {
    acked.delete(again.connection.sandboxId);
    await done(again.retire());
  }
}

/** What it comes to if it comes at once; a process that died never answers. */
async function soon<Value>(work: Promise<Value>): Promise<Value | undefined> {
  let value: Value | undefined;
  work.then(
    (result) => {
      value = result;
    },
    () => undefined,
  );
  for (let turn = 0; turn < 4 && value === undefined; turn += 1) await settle();
  return value;
}

async function done(work: Promise<unknown>): Promise<boolean> {
  return (await soon(work.then(() => true))) ?? false;
}

async function crashAt(call: number, when: 'before' | 'after'): Promise<boolean> {
  const world = new World();
  const mortal = new Mortal(call, when);
  const acked = new Set<string>();
  await life(world, world.manager(mortal), acked);
  if (!mortal.dead) return false;

  const heir = world.manager();
  await heir.start();
  await world.clock.advance(orphanBoundMs);
  const label = `crash ${when} call ${call}`;
  expect(await world.loose(), label).toEqual({ orphans: [], ghosts: [], shared: [] });
  expect(await world.unlinked(), `${label}: snapshots without a link`).toEqual([]);
  const states = await world.states();
  expect(
    states.filter((name) => name === 'hot'),
    label,
  ).toHaveLength(2);
  expect(
    states.filter((name) => !['hot', 'claimed', 'kept'].includes(name)),
    label,
  ).toEqual([]);
  const claims = (await world.ledger.all()).flatMap(({ state }) => (state.name === 'claimed' ? [state] : []));
  expect(
    claims.filter(({ hold }) => hold !== 'acked'),
    `${label}: claims without a claimant`,
  ).toEqual([]);
  const alive = world.provider.alive().map((info) => info.sandboxId);
  for (const sandboxId of acked) expect(alive, `${label}: an acknowledged claim`).toContain(sandboxId);
  for (const [sandboxId, claims] of world.claimants) {
    const reused = [...claims].length > 1 && !world.provider.log.includes(`pause ${sandboxId}`);
    expect(reused, `${label}: ${sandboxId} had ${[...claims].join(' and ')}`).toBe(false);
  }
  expect(world.provider.peak, label).toBeLessThanOrEqual(8);
  await heir.close({ retirePool: true, retireClaims: true });
  return true;
}

describe('a process that dies at any call to the provider or the ledger', () => {
  it.each(['before', 'after'] as const)(
    'I3 leaves nothing that is not adopted or killed within the bound: dying %s each call',
    async (when) => {
      let call = 1;
      while (await crashAt(call, when)) call += 1;
      // The life makes this many calls; far fewer would mean that it got stuck and proves nothing.
      expect(call).toBeGreaterThan(60);
    },
    60_000,
  );
});
