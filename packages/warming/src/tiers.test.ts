import { afterEach, describe, expect, it } from 'vitest';
import { MemoryLedger } from './ledger/memory.js';
import { RuntimeWarmingManager } from './manager.js';
import type { RuntimeWarmingManagerOptions } from './options.js';
import { ProviderError } from './provider.js';
import { defineRuntime, type RuntimeSpec } from './runtime.js';
import { FakeClock } from './testing/fake-clock.js';
import { FakeProvider } from './testing/fake-provider.js';
import { TestFleet, warming } from './testing/fleet.js';

const open: RuntimeWarmingManager[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((manager) => manager.close()));
});

async function fleet(
  spec: Partial<RuntimeSpec> = {},
  options: Partial<RuntimeWarmingManagerOptions> = {},
): Promise<TestFleet> {
  const made = new TestFleet(spec, options);
  open.push(made.manager);
  return made.filled();
}

describe('the tiers, in their order', () => {
  it('a parked sandbox is resumed, verified and handed over', async () => {
    const { manager, provider, clock, pool } = bound(await fleet({ pool: { target: 0, parked: 1 } }));
    expect(pool()).toMatchObject({ hot: 0, parked: 1 });
    const answer = warming(await manager.claim('tool'));
    await clock.advance(100);
    const claim = await answer.ready;
    expect(claim.source).toBe('parked');
    expect(provider.log.filter((call) => call.endsWith(claim.connection.sandboxId)).slice(-3)).toEqual([
      `connect ${claim.connection.sandboxId}`,
      `run ${claim.connection.sandboxId}`,
      `setTimeout ${claim.connection.sandboxId}`,
    ]);
    await clock.advance(500);
    expect(pool()).toMatchObject({ parked: 1 });
  });

  it('a parked sandbox that cannot be resumed is left for a link, and retired', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 0, parked: 1 } });
    provider.before = (operation) => {
      if (operation === 'connect') throw new ProviderError('failed', 'cannot resume');
    };
    const answer = warming(await manager.claim('tool'));
    await clock.advance(100);
    expect((await answer.ready).source).toBe('linked');
    expect(provider.killed).toContain('sandbox-1');
  });

  it('a generic sandbox is specialised: its steps run, and it is not replaced by a create for the claim', async () => {
    const { manager, provider, clock, pool } = bound(await fleet({ pool: { target: 0 } }, { generic: { base: 1 } }));
    expect(pool('generic:base')).toMatchObject({ hot: 1 });
    provider.answer = (command) =>
      command.includes('missing=')
        ? { exitCode: 76, stdout: 'step:install\n', stderr: '' }
        : { exitCode: 0, stdout: '', stderr: '' };
    const answer = warming(await manager.claim('tool'));
    await clock.advance(40);
    const claim = await answer.ready;
    expect(claim).toMatchObject({ source: 'generic', connection: { sandboxId: 'sandbox-1' } });
    expect(manager.stats().pools[0]?.latencyMs.generic?.count).toBe(1);
    await clock.advance(500);
    expect(pool('generic:base')).toMatchObject({ hot: 1 });
  });

  it('a link that fails is dropped, its snapshot deleted, and the next sandbox built from the template', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 0 } });
    const first = warming(await manager.claim('tool'));
    await clock.advance(100);
    await first.ready;
    expect(provider.snapshots).toEqual(new Set(['snapshot-1']));
    provider.answer = (command) =>
      command.includes('missing=')
        ? { exitCode: 75, stdout: 'no', stderr: '' }
        : { exitCode: 0, stdout: '', stderr: '' };
    const second = warming(await manager.claim('tool'));
    await clock.advance(200);
    expect((await second.ready).source).toBe('cold');
    expect(provider.log).toContain('deleteSnapshot snapshot-1');
    expect(provider.log.filter((call) => call.startsWith('create '))).toEqual([
      'create base',
      'create snapshot-1',
      'create base',
    ]);
  });

  it('a snapshot that is gone at the provider is no reason to fail', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 0 } });
    await (await claimed(manager, clock)).retire();
    provider.snapshots.clear();
    expect((await claimed(manager, clock)).source).toBe('cold');
  });
});

describe('affinity', () => {
  it('gives a user back the sandbox they kept, and nobody else', async () => {
    const { manager, clock } = await fleet({ pool: { target: 1 } });
    const mine = await claimed(manager, clock, { userId: 'ada' });
    await mine.keep?.();
    const other = await claimed(manager, clock, { userId: 'bob', affinity: 'prefer' });
    expect(other.connection.sandboxId).not.toBe(mine.connection.sandboxId);
    const again = await claimed(manager, clock, { userId: 'ada', affinity: 'prefer' });
    expect(again).toMatchObject({ source: 'affinity', connection: { sandboxId: mine.connection.sandboxId } });
  });
});

describe('intents', () => {
  it('warm a sandbox ahead, once per user, which the claim takes without a second create', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 0 } });
    const intent = manager.intent('tool', { userId: 'ada', ttlMs: 10_000 });
    const again = manager.intent('tool', { userId: 'ada', ttlMs: 60_000 });
    expect([again.intentId, again.expiresAtMs]).toEqual([intent.intentId, intent.expiresAtMs]);
    await clock.advance(500);
    expect(provider.created).toBe(1);
    expect((await intent.claim()).state).toBe('HOT');
    await clock.advance(1_000);
    expect(provider.created).toBe(1);
  });

  it('that are cancelled or run out give their sandbox back', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 0 } });
    manager.intent('tool', { userId: 'ada' }).cancel();
    manager.intent('tool', { userId: 'bob', ttlMs: 2_000 });
    await clock.advance(1_000);
    expect(provider.alive()).toHaveLength(1);
    await clock.advance(1_500);
    expect(provider.alive()).toEqual([]);
  });

  it('are bounded', async () => {
    const { manager } = await fleet({ pool: { target: 0 } }, { maxIntents: 1 });
    manager.intent('tool', { userId: 'ada' });
    expect(() => manager.intent('tool', { userId: 'bob' })).toThrow(expect.objectContaining({ code: 'quota' }));
  });
});

describe('I5 a runtime that changes', () => {
  it('drains the old pool at once, and no stale sandbox is handed out', async () => {
    const { manager, provider, clock, pool } = bound(await fleet({ pool: { target: 2 } }));
    manager.define(
      defineRuntime({ name: 'tool', steps: [{ name: 'install', run: 'install another' }], pool: { target: 2 } }),
    );
    const answer = await manager.claim('tool');
    expect(answer).toMatchObject({ state: 'WARMING', reason: 'spec_changed' });
    await clock.advance(1_000);
    expect((await answer.ready).connection.sandboxId).not.toMatch(/sandbox-[12]$/);
    expect(provider.killed.sort()).toEqual(['sandbox-1', 'sandbox-2']);
    expect(pool()).toMatchObject({ hot: 2 });
  });

  it('with onReplenish retires the old ones only as new ones are ready', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 2, onSpecChange: 'onReplenish' } });
    provider.answer = () =>
      new Promise((resolve) => clock.schedule(1_000, () => resolve({ exitCode: 0, stdout: '', stderr: '' })));
    manager.define(
      defineRuntime({
        name: 'tool',
        steps: [{ name: 'install', run: 'other' }],
        pool: { target: 2, onSpecChange: 'onReplenish' },
      }),
    );
    await clock.advance(1_500);
    expect(provider.killed).toEqual([]);
    await clock.advance(10_000);
    expect(provider.killed.sort()).toEqual(['sandbox-1', 'sandbox-2']);
  });

  it('or is removed while claims wait: they fail with a reason and nothing is left', async () => {
    const { manager, provider, clock } = await fleet({ pool: { target: 0 } });
    provider.answer = () => new Promise(() => undefined);
    const answer = await manager.claim('tool');
    await clock.advance(100);
    await manager.remove('tool');
    await expect(answer.ready).rejects.toMatchObject({ code: 'unknown_runtime' });
    expect(provider.alive()).toEqual([]);
  });
});

describe('I6 expiry', () => {
  it('pooled sandboxes are renewed ahead of their end and replaced before the longest life', async () => {
    const { provider, clock, pool } = bound(await fleet({}, { slotLifeMs: 600_000, maxLifeMs: 1_800_000 }));
    await clock.advance(650_000);
    expect(provider.alive().map((info) => info.sandboxId)).toEqual(['sandbox-1']);
    await clock.advance(1_200_000);
    expect(pool()).toMatchObject({ hot: 1 });
    expect(provider.alive().map((info) => info.sandboxId)).not.toContain('sandbox-1');
  });

  it('a claim that asks for more life than is left gets it before the hand-over', async () => {
    const { manager, provider, clock } = await fleet({}, { slotLifeMs: 600_000 });
    const answer = await manager.claim('tool', { lifeMs: 1_200_000 });
    expect(answer.state).toBe('HOT');
    const info = provider.alive().find(({ sandboxId }) => sandboxId === 'sandbox-1');
    expect((info?.endsAtMs ?? 0) - clock.nowMs()).toBe(1_200_000);
  });

  it('a claim whose claimant never acknowledges is retired when its lease runs out', async () => {
    const { manager, provider, clock } = await fleet({}, { leaseMs: 5_000 });
    await manager.claim('tool');
    await clock.advance(10_000);
    expect(provider.killed).toEqual(['sandbox-1']);
  });

  it('a claim that was acknowledged stays for its life, and is cut down to what it asked for', async () => {
    const { manager, provider, clock } = await fleet({}, { leaseMs: 5_000 });
    const claim = await claimed(manager, clock, { lifeMs: 100_000 });
    await clock.advance(90_000);
    expect(provider.alive().map(({ sandboxId }) => sandboxId)).toContain(claim.connection.sandboxId);
    await clock.advance(11_000);
    expect(provider.alive().map(({ sandboxId }) => sandboxId)).not.toContain(claim.connection.sandboxId);
    expect(provider.killed).toEqual([]);
  });
});

describe('I7 nothing of a claimant', () => {
  it('is in the ledger, in metadata, in an event or in a snapshot before or after the claim', async () => {
    const clock = new FakeClock();
    const ledger = new MemoryLedger(clock, 'epoch');
    const provider = new FakeProvider(clock);
    const manager = new RuntimeWarmingManager({ provider, ledger, clock, runtimes: [defineRuntime({ name: 'tool' })] });
    open.push(manager);
    const events: unknown[] = [];
    for (const name of ['claim-progress', 'claim-ready', 'claim-missed', 'pool-changed', 'background-error'] as const) {
      manager.on(name, (event: unknown) => events.push(event));
    }
    await manager.start();
    await clock.advance(100);
    const request = {
      env: { A: 'env-value' },
      secrets: { B: 'secret-value' },
      files: [{ path: 'f', content: 'file-content' }],
    };
    await (await manager.claim('tool', request)).ready;
    await (await manager.claim('tool', request)).ready;
    const written = JSON.stringify([await ledger.all(), provider.alive(), events, provider.log]);
    expect(written).not.toMatch(/env-value|secret-value|file-content|token-of-sandbox/);
    expect(provider.log.findIndex((call) => call.startsWith('createSnapshot'))).toBeLessThan(
      provider.log.findIndex((call) => call.startsWith('writeFiles')),
    );
  });
});

function bound(made: TestFleet) {
  return Object.assign(made, { pool: made.pool.bind(made) });
}

async function claimed(manager: RuntimeWarmingManager, clock: FakeClock, request = {}) {
  const answer = await manager.claim('tool', request);
  await clock.advance(100);
  const claim = await answer.ready;
  await claim.ack();
  return claim;
}
