import { afterEach, describe, expect, it } from 'vitest';
import { MemoryLedger } from './ledger/memory.js';
import type { RuntimeWarmingManager } from './manager.js';
import type { RuntimeWarmingManagerOptions } from './options.js';
import { ProviderError } from './provider.js';
import type { RuntimeSpec } from './runtime.js';
import { TestFleet } from './testing/fleet.js';

const open: RuntimeWarmingManager[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((manager) => manager.close()));
});

function fleet(spec: Partial<RuntimeSpec> = {}, options: Partial<RuntimeWarmingManagerOptions> = {}): TestFleet {
  const made = new TestFleet(spec, options);
  open.push(made.manager);
  return made;
}

describe('I8 the budget', () => {
  it('creates no more per second than the plan allows', async () => {
    const { manager, provider, clock } = fleet(
      { pool: { target: 10, link: false } },
      { budget: { createsPerSecond: 2, burst: 2 } },
    );
    await manager.start();
    await clock.advance(0);
    expect(provider.created).toBeLessThanOrEqual(2);
    await clock.advance(2_000);
    expect(provider.created).toBeLessThanOrEqual(6);
    await clock.advance(4_000);
    expect(provider.created).toBe(10);
  });

  it('lets a claim go before refills that came first, and before background jobs', async () => {
    const { manager, provider, clock } = fleet(
      { pool: { target: 0, link: false } },
      { budget: { createsPerSecond: 1, burst: 1 } },
    );
    await manager.start();
    await (await manager.claim('tool')).ready;
    const order: string[] = [];
    const ask = async (priority: 'interactive' | 'background') => {
      const answer = await manager.claim('tool', { priority });
      void answer.ready.then(() => order.push(priority));
    };
    await ask('background');
    await ask('background');
    await ask('interactive');
    await clock.advance(5_000);
    expect(order).toEqual(['interactive', 'background', 'background']);
    expect(provider.created).toBe(4);
  });

  it('takes a refusal for want of room as capacity: learns the limit, and tries it with one start', async () => {
    const { manager, provider, clock } = fleet(
      { pool: { target: 5, link: false } },
      { budget: { probeAfterMs: 10_000 } },
    );
    provider.maxRunning = 3;
    await manager.start();
    await clock.advance(1_000);
    expect(manager.stats().budget.learnedLimit).toBe(3);
    const refusedBefore = provider.count('create');
    await clock.advance(10_500);
    expect(provider.count('create')).toBe(refusedBefore + 1);
    provider.maxRunning = 10;
    await clock.advance(60_000);
    expect(manager.pools()[0]?.hot).toBe(5);
  });

  it('fails a claim with QuotaError when no turn comes in its time', async () => {
    const { manager, provider, clock } = fleet({ pool: { target: 0 } }, { budget: { queueTimeoutMs: 5_000 } });
    provider.maxRunning = 0;
    const answer = await manager.claim('tool');
    await clock.advance(30_000);
    await expect(answer.ready).rejects.toMatchObject({ code: 'quota' });
  });

  it('starts again slowly after failures, within a minute and not within a day', async () => {
    const { manager, provider, clock } = fleet({ pool: { target: 4, link: false } });
    provider.before = (operation) => {
      if (operation === 'create') throw new ProviderError('failed', 'out of order');
    };
    await manager.start();
    await clock.advance(600_000);
    const tries = provider.count('create');
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(40);
    provider.before = () => undefined;
    await clock.advance(95_000);
    expect(manager.pools()[0]?.hot).toBe(4);
  });

  it('a pause switch stops refill, and claims go on', async () => {
    const { manager, provider, clock } = fleet({ pool: { target: 2 } });
    manager.pause();
    await manager.start();
    await clock.advance(1_000);
    expect(provider.created).toBe(0);
    const answer = await manager.claim('tool');
    expect(answer).toMatchObject({ state: 'WARMING', reason: 'disabled' });
    await clock.advance(1_000);
    await answer.ready;
    manager.resume();
    await clock.advance(1_000);
    expect(manager.pools()[0]?.hot).toBe(2);
  });

  it('a tenant has no more claims than allowed', async () => {
    const { manager, clock } = fleet({ pool: { target: 3 } }, { tenantMaxClaims: 1 });
    await manager.start();
    await clock.advance(500);
    const first = await (await manager.claim('tool', { tenant: 'acme' })).ready;
    await expect(manager.claim('tool', { tenant: 'acme' })).rejects.toMatchObject({ code: 'quota' });
    expect((await manager.claim('tool', { tenant: 'rival' })).state).toBe('HOT');
    await first.retire();
    expect((await manager.claim('tool', { tenant: 'acme' })).state).toBe('HOT');
  });

  it('targets above the quota fill as far as the quota goes', async () => {
    const { manager, provider, clock } = fleet(
      { pool: { target: 50, max: 100, link: false } },
      { budget: { maxSandboxes: 7, createsPerSecond: 100, burst: 100 } },
    );
    await manager.start();
    await clock.advance(5_000);
    expect(provider.alive()).toHaveLength(7);
  });
});

describe('a provider that misbehaves', () => {
  it('sandboxes of another fleet are never touched, whatever its list says', async () => {
    const { manager, provider, clock } = fleet({}, { fleet: 'ours', orphanGraceMs: 1_000, sweepMs: 1_000 });
    await provider.create({
      template: 'base',
      timeoutMs: 900_000,
      metadata: { 'pilotlight.fleet': 'theirs', 'pilotlight.slot': 'x' },
    });
    await provider.create({ template: 'base', timeoutMs: 900_000, metadata: {} });
    await provider.create({
      template: 'base',
      timeoutMs: 900_000,
      metadata: { 'pilotlight.fleet': 'ours', 'pilotlight.slot': 'y' },
    });
    const list = provider.list.bind(provider);
    provider.list = () => list({ metadata: {} });
    await manager.start();
    await clock.advance(10_000);
    expect(provider.killed).toEqual(['sandbox-3']);
  });

  it('states it does not know and lists that fail do not stop the pool', async () => {
    const { manager, provider, clock } = fleet({ pool: { target: 2 } }, { sweepMs: 1_000 });
    const errors: unknown[] = [];
    manager.on('background-error', ({ error }) => errors.push(error));
    await manager.start();
    provider.before = (operation) => {
      if (operation === 'list') throw new ProviderError('failed', 'malformed');
    };
    await clock.advance(5_000);
    expect(errors.length).toBeGreaterThan(0);
    expect(manager.pools()[0]?.hot).toBe(2);
  });

  it('a listener or callback that throws is told and does not stop the engine', async () => {
    const { manager, clock } = fleet({ pool: { target: 0 } });
    const errors: unknown[] = [];
    manager.on('background-error', ({ error }) => errors.push(error));
    manager.on('claim-progress', () => {
      throw new Error('listener');
    });
    const answer = await manager.claim('tool', {
      onProgress: () => {
        throw new Error('callback');
      },
    });
    await clock.advance(500);
    await answer.ready;
    expect(errors.map(String)).toEqual(expect.arrayContaining(['Error: listener', 'Error: callback']));
  });
});

describe('clocks and ledgers that misbehave', () => {
  it('a wall clock that jumps back or ahead neither hands out twice nor retires what is claimed', async () => {
    const { manager, provider, clock } = fleet({ pool: { target: 2 } }, { leaseMs: 5_000 });
    await manager.start();
    await clock.advance(500);
    const first = await (await manager.claim('tool')).ready;
    await first.ack();
    clock.jump(-3_600_000);
    await clock.advance(10_000);
    const second = await (await manager.claim('tool')).ready;
    await second.ack();
    clock.jump(60_000);
    await clock.advance(10_000);
    expect(second.connection.sandboxId).not.toBe(first.connection.sandboxId);
    expect(provider.killed).not.toContain(first.connection.sandboxId);
    expect(provider.killed).not.toContain(second.connection.sandboxId);
  });

  it('claims go back into a ledger that lost its data before anybody takes them for orphans', async () => {
    const made = fleet({}, { fleet: 'ours', orphanGraceMs: 10_000, sweepMs: 2_000 });
    const { clock, provider } = made;
    let current = new MemoryLedger(clock, 'before');
    const ledger = new Proxy(current, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(current, name);
        return typeof value === 'function' ? value.bind(current) : value;
      },
    });
    const other = new TestFleet({}, { ledger, fleet: 'ours', orphanGraceMs: 10_000, sweepMs: 2_000, provider, clock });
    open.push(other.manager);
    await other.manager.start();
    await clock.advance(500);
    const claim = await (await other.manager.claim('tool')).ready;
    await claim.ack();
    await clock.advance(500);
    current = new MemoryLedger(clock, 'after');
    await clock.advance(40_000);
    const alive = provider.alive().map(({ sandboxId }) => sandboxId);
    expect(alive).toContain(claim.connection.sandboxId);
    expect(alive).toHaveLength(2);
    await claim.renew(60_000);
  });

  it('a ledger that does not answer fails the claim with its reason', async () => {
    const { manager, clock } = fleet({}, { ledger: brokenLedger() });
    await expect(manager.claim('tool')).rejects.toMatchObject({ code: 'ledger_unavailable' });
    await clock.advance(100);
  });
});

function brokenLedger(): MemoryLedger {
  const ledger = new MemoryLedger(new TestFleet().clock, 'epoch');
  ledger.open = async () => {
    const { WarmingError } = await import('./errors.js');
    throw new WarmingError('ledger_unavailable', 'Redis is away.');
  };
  return ledger;
}
