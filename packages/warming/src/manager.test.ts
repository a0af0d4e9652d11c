import { afterEach, describe, expect, it } from 'vitest';
import type { Claim, ClaimAnswer, WarmingAnswer, WarmingProgress } from './claim.js';
import { QuotaError, WarmUpError } from './errors.js';
import { RuntimeWarmingManager } from './manager.js';
import type { RuntimeWarmingManagerOptions } from './options.js';
import { ProviderError } from './provider.js';
import { defineRuntime, type RuntimeSpec } from './runtime.js';
import { FakeClock, settle } from './testing/fake-clock.js';
import { FakeProvider } from './testing/fake-provider.js';

const open: RuntimeWarmingManager[] = [];

/** A promise that is kept by hand. */
class Late<Value> {
  resolve: (value: Value) => void = () => undefined;
  readonly promise = new Promise<Value>((resolve) => {
    this.resolve = resolve;
  });
}

function setUp(spec: Partial<RuntimeSpec> = {}, options: Partial<RuntimeWarmingManagerOptions> = {}) {
  const clock = new FakeClock();
  const provider = new FakeProvider(clock);
  let ids = 0;
  const runtime = defineRuntime({ name: 'tool', steps: [{ name: 'install', run: 'install it' }], ...spec });
  const manager = new RuntimeWarmingManager({
    provider,
    runtimes: [runtime],
    clock,
    random: () => 0,
    newId: () => `id-${++ids}`,
    ...options,
  });
  open.push(manager);
  return { clock, provider, manager, runtime };
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((manager) => manager.close()));
});

function warming(answer: ClaimAnswer): WarmingAnswer {
  if (answer.state !== 'WARMING') throw new Error('expected a claim that waits');
  return answer;
}

async function claimOf(answer: Promise<ClaimAnswer>): Promise<Claim> {
  return (await answer).ready;
}

describe('a claim', () => {
  it('is HOT without a call to the provider when the pool has a sandbox', async () => {
    const { manager, provider, clock } = setUp();
    await manager.start();
    await clock.advance(100);
    expect(manager.pools()).toMatchObject([{ runtime: 'tool', target: 1, hot: 1 }]);
    const callsBefore = provider.log.length;
    const answer = await manager.claim('tool', { env: { A: '1' }, secrets: { TOKEN: 'x' } });
    expect(provider.log.length).toBe(callsBefore);
    expect(answer).toMatchObject({ state: 'HOT', source: 'hot' });
    const claim = await answer.ready;
    expect(claim.env).toEqual({ A: '1', TOKEN: 'x' });
    expect(claim.connection).toMatchObject({ sandboxId: 'sandbox-1', envdAccessToken: 'token-of-sandbox-1' });
    expect(JSON.stringify(claim)).not.toContain('TOKEN');
  });

  it('is refilled after the answer, within the delay that lets the first command go ahead', async () => {
    const { manager, provider, clock } = setUp();
    await manager.start();
    await clock.advance(100);
    await manager.claim('tool');
    expect(provider.created).toBe(1);
    await clock.advance(49);
    expect(provider.created).toBe(1);
    await clock.advance(2);
    expect(provider.created).toBe(2);
    expect(manager.pools()).toMatchObject([{ hot: 1, claimed: 1 }]);
  });

  it('is WARMING with progress that never falls and one terminal event when the pool is empty', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } });
    const events: WarmingProgress[] = [];
    provider.before = async (operation) => {
      if (operation === 'run') await new Promise<void>((resolve) => clock.schedule(1_000, resolve));
    };
    const answer = warming(await manager.claim('tool', { onProgress: (event) => events.push(event) }));
    expect(answer).toMatchObject({ reason: 'disabled', eta: { samples: 0 } });
    await clock.advance(3_000);
    const claim = await answer.ready;
    expect(claim.source).toBe('cold');
    const followed: WarmingProgress[] = [];
    for await (const event of answer) followed.push(event);
    expect(followed.map((event) => event.outcome)).toEqual(['hot']);
    const values = events.map((event) => event.progress);
    expect(values).toEqual([...values].sort((first, second) => first - second));
    expect(events.filter((event) => event.outcome)).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ progress: 1, phase: 'ready', outcome: 'hot' });
    expect(events.some((event) => event.step === 'install' && event.phase === 'warming')).toBe(true);
  });

  it('has an ETA from measured warm-ups the second time', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0, link: false } });
    provider.before = async (operation) => {
      if (operation === 'run') await new Promise<void>((resolve) => clock.schedule(1_000, resolve));
    };
    const first = warming(await manager.claim('tool'));
    await clock.advance(3_000);
    await first.ready;
    const second = warming(await manager.claim('tool'));
    await settle();
    expect(second.eta).toMatchObject({ samples: 1, p50Ms: 2_000, p90Ms: 2_000 });
    await clock.advance(500);
    expect(second.eta.p50Ms).toBe(1_500);
    await clock.advance(3_000);
    await second.ready;
  });

  it('joins a warm-up that is under way instead of starting another', async () => {
    const { manager, provider, clock } = setUp();
    provider.before = async (operation) => {
      if (operation === 'run') await new Promise<void>((resolve) => clock.schedule(1_000, resolve));
    };
    await manager.start();
    await clock.advance(10);
    const answer = warming(await manager.claim('tool'));
    expect(provider.created).toBe(1);
    await clock.advance(5_000);
    expect((await answer.ready).connection.sandboxId).toBe('sandbox-1');
  });

  it('gets its refill from a link: the warm-up is not run again', async () => {
    const { manager, provider, clock } = setUp();
    const steps: string[] = [];
    provider.answer = (command, sandboxId) => {
      if (command.includes('\ninstall it\n')) steps.push(sandboxId);
      return { exitCode: 0, stdout: '', stderr: '' };
    };
    await manager.start();
    await clock.advance(100);
    await manager.claim('tool');
    await clock.advance(100);
    expect(provider.log).toContain('create snapshot-1');
    expect(steps).toEqual(['sandbox-1']);
    expect(manager.pools()).toMatchObject([{ hot: 1 }]);
  });

  it('with the same key gives the same sandbox, at once or in turn', async () => {
    const { manager, clock } = setUp({ pool: { target: 2 } });
    await manager.start();
    await clock.advance(200);
    const [first, second] = await Promise.all([
      claimOf(manager.claim('tool', { key: 'job-1' })),
      claimOf(manager.claim('tool', { key: 'job-1' })),
    ]);
    const third = await claimOf(manager.claim('tool', { key: 'job-1' }));
    expect(second.connection.sandboxId).toBe(first.connection.sandboxId);
    expect(third.connection.sandboxId).toBe(first.connection.sandboxId);
  });

  it('with a key that is in use for another runtime is refused', async () => {
    const { manager, clock } = setUp();
    manager.define(defineRuntime({ name: 'other' }));
    await manager.start();
    await clock.advance(200);
    await manager.claim('tool', { key: 'job-1' });
    await expect(manager.claim('other', { key: 'job-1' })).rejects.toMatchObject({ code: 'claim_conflict' });
  });

  it('writes files before the hand-over', async () => {
    const { manager, provider, clock } = setUp();
    await manager.start();
    await clock.advance(100);
    const answer = await manager.claim('tool', { files: [{ path: 'a.txt', content: 'hello' }] });
    expect(answer.state).toBe('HOT');
    const claim = await answer.ready;
    expect(provider.sandboxes.get(claim.connection.sandboxId)?.files.get('a.txt')).toBe('hello');
  });

  describe('memories of the user', () => {
    const memory = { env: { CONTEXT: 'c' }, files: [{ path: 'm', content: 'x' }] };

    it('that are there cost a hot claim no wait: the variable is there, the file follows', async () => {
      const { manager, provider, clock } = setUp();
      await manager.start();
      await clock.advance(100);
      provider.before = (operation) => (operation === 'writeFiles' ? new Promise<void>(() => undefined) : undefined);
      const answer = await manager.claim('tool', { memory, env: { OWN: 'o' } });
      expect(answer.state).toBe('HOT');
      expect((await answer.ready).env).toEqual({ CONTEXT: 'c', OWN: 'o' });
    });

    it('that never arrive delay a hot claim by memoryWaitMs and no more, nor the closing', async () => {
      const { manager, clock } = setUp();
      await manager.start();
      await clock.advance(100);
      const answering = manager.claim('tool', { memory: new Promise(() => undefined) });
      let answered = false;
      void answering.then(() => {
        answered = true;
      });
      await clock.advance(4);
      expect(answered).toBe(false);
      await clock.advance(1);
      const answer = await answering;
      expect(answer).toMatchObject({ state: 'HOT', latencyMs: 5 });
      expect((await answer.ready).env).toEqual({});
      const closing = manager.close();
      await clock.advance(1_000);
      await closing;
    });

    it('that arrive after a hot hand-over are there for later commands, with their file', async () => {
      const { manager, provider, clock } = setUp();
      await manager.start();
      await clock.advance(100);
      const late = new Late<typeof memory>();
      const answering = manager.claim('tool', { memory: late.promise });
      await clock.advance(5);
      const claim = await (await answering).ready;
      late.resolve(memory);
      await clock.advance(10);
      expect(claim.env).toEqual({ CONTEXT: 'c' });
      expect(provider.sandboxes.get(claim.connection.sandboxId)?.files.get('m')).toBe('x');
    });

    it('that arrive while a sandbox warms are there at the hand-over, with their file', async () => {
      const { manager, provider, clock } = setUp({ pool: { target: 0 } });
      await manager.start();
      const late = new Late<typeof memory>();
      const answer = await manager.claim('tool', { memory: late.promise });
      expect(answer.state).toBe('WARMING');
      late.resolve(memory);
      await clock.advance(1_000);
      const claim = await answer.ready;
      expect(claim.env).toEqual({ CONTEXT: 'c' });
      expect(provider.sandboxes.get(claim.connection.sandboxId)?.files.get('m')).toBe('x');
    });

    it.each([
      ['fail', () => Promise.reject(new Error('memory is down'))],
      ['are not what they should be', () => Promise.resolve({ env: { CONTEXT: 7 } } as never)],
    ])('that %s are left out, told once as an event', async (_, arriving) => {
      const { manager, clock } = setUp();
      const errors: Error[] = [];
      manager.on('background-error', ({ error }) => errors.push(error));
      await manager.start();
      await clock.advance(100);
      const claim = await (await manager.claim('tool', { memory: arriving() })).ready;
      await clock.advance(10);
      expect(claim.env).toEqual({});
      expect(errors).toHaveLength(1);
    });
  });

  it('passes over a sandbox that vanished', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 2 } });
    await manager.start();
    await clock.advance(200);
    provider.sandboxes.delete('sandbox-1');
    const answer = await manager.claim('tool', { files: [{ path: 'a', content: '' }] });
    expect(answer.state).toBe('HOT');
    expect((await answer.ready).connection.sandboxId).toBe('sandbox-2');
  });
});

describe('bad input', () => {
  it('an unknown runtime is named together with those that exist', async () => {
    const { manager } = setUp();
    await expect(manager.claim('nope')).rejects.toMatchObject({
      code: 'unknown_runtime',
      message: expect.stringContaining('"tool"'),
    });
  });

  it('every wrong option is named with the value given', () => {
    const { provider } = setUp();
    const make = () => new RuntimeWarmingManager({ provider, leaseMs: -1, budget: { burst: 0 }, nope: 1 } as never);
    expect(make).toThrow(/budget\.burst: .*given: 0[\s\S]*leaseMs: .*given: -1[\s\S]*nope: is not known/);
  });

  it('a wrong field of a claim is named, a secret is not repeated', async () => {
    const { manager } = setUp();
    const claiming = manager.claim('tool', { lifeMs: 0, secrets: { TOKEN: 5 } } as never);
    await expect(claiming).rejects.toMatchObject({
      code: 'invalid_spec',
      message: expect.stringMatching(/lifeMs: .*given: 0/),
    });
    await expect(claiming).rejects.not.toMatchObject({ message: expect.stringContaining('5)') });
  });

  it('a step that fails gives its command, exit code and the end of its output, and leaves no sandbox', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } });
    provider.answer = () => ({ exitCode: 3, stdout: 'one\nno such package\n', stderr: '' });
    const answer = await manager.claim('tool');
    await clock.advance(100);
    const error: unknown = await answer.ready.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(WarmUpError);
    expect(error).toMatchObject({ code: 'warm_up_failed', step: 'install', command: 'install it', exitCode: 3 });
    expect((error as WarmUpError).outputTail).toContain('no such package');
    expect(provider.alive()).toEqual([]);
  });

  it('a step that hangs gives its timeout, and leaves no sandbox', async () => {
    const { manager, provider, clock } = setUp({
      pool: { target: 0 },
      steps: [{ name: 'install', run: 'sleep forever', timeoutMs: 1_000 }],
    });
    provider.answer = async (_command, _id, { timeoutMs = 0 }) => {
      await new Promise<void>((resolve) => clock.schedule(timeoutMs, resolve));
      throw new ProviderError('timeout', 'ran out of time');
    };
    const answer = await manager.claim('tool');
    await clock.advance(2_000);
    await expect(answer.ready).rejects.toMatchObject({ code: 'warm_up_timeout', timeoutMs: 1_000, step: 'install' });
    expect(provider.alive()).toEqual([]);
  });

  it.each([
    ['unreachable', 'provider_unreachable'],
    ['unauthorized', 'provider_unauthorized'],
  ] as const)('a provider that is %s is told at start, and start can be tried again', async (failure, code) => {
    const { manager, provider } = setUp();
    provider.before = () => {
      throw new ProviderError(failure, 'what to do next');
    };
    await expect(manager.start()).rejects.toMatchObject({ code, message: 'what to do next' });
    await expect(manager.claim('tool')).rejects.toMatchObject({ code });
    provider.before = () => undefined;
    await manager.start();
  });

  it('a claim cancelled half-way is told once and leaves no sandbox', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } });
    provider.answer = () => new Promise(() => undefined);
    const stop = new AbortController();
    const answer = warming(await manager.claim('tool', { signal: stop.signal }));
    await clock.advance(500);
    expect(provider.alive()).toHaveLength(1);
    stop.abort();
    await expect(answer.ready).rejects.toMatchObject({ code: 'claim_cancelled' });
    await answer.cancel();
    expect(provider.alive()).toEqual([]);
  });

  it('a claim cancelled while its sandbox is being created leaves none', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } });
    provider.after = async (operation) => {
      if (operation === 'create') await new Promise<void>((resolve) => clock.schedule(1_000, resolve));
    };
    const answer = warming(await manager.claim('tool'));
    await clock.advance(500);
    const cancelled = answer.cancel();
    await expect(answer.ready).rejects.toMatchObject({ code: 'claim_cancelled' });
    await clock.advance(1_000);
    await cancelled;
    expect(provider.alive()).toEqual([]);
  });

  it('a create whose answer was lost leaves none behind, and the claim gets another', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } });
    let lost = false;
    provider.after = (operation) => {
      if (operation !== 'create' || lost) return;
      lost = true;
      throw new ProviderError('lost', 'connection reset');
    };
    const answer = await manager.claim('tool');
    await clock.advance(1_000);
    const claim = await answer.ready;
    expect(claim.connection.sandboxId).toBe('sandbox-2');
    expect(provider.alive().map((info) => info.sandboxId)).toEqual(['sandbox-2']);
  });

  it('a full line of claims is a QuotaError at once', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } }, { budget: { queueLimit: 1 } });
    provider.before = (operation) =>
      operation === 'run' ? new Promise<void>((resolve) => clock.schedule(500, resolve)) : undefined;
    await manager.claim('tool');
    await expect(manager.claim('tool')).rejects.toBeInstanceOf(QuotaError);
    await clock.advance(2_000);
  });
});

describe('close', () => {
  it('leaves no sandbox, no timer, no snapshot and no listener', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 3 } });
    await manager.start();
    await clock.advance(500);
    await manager.claim('tool');
    await clock.advance(10);
    manager.on('claim-ready', () => undefined);
    const closing = manager.close();
    await clock.advance(0);
    await closing;
    expect(provider.alive()).toEqual([]);
    expect(provider.snapshots.size).toBe(0);
    expect(clock.timers).toBe(0);
    expect(manager.listenerCount('claim-ready')).toBe(0);
    await expect(manager.claim('tool')).rejects.toMatchObject({ code: 'closed' });
  });

  it('keeps the claims when told to', async () => {
    const { manager, provider, clock } = setUp();
    await manager.start();
    await clock.advance(500);
    const claim = await claimOf(manager.claim('tool'));
    await manager.close({ retireClaims: false });
    expect(provider.alive().map((info) => info.sandboxId)).toEqual([claim.connection.sandboxId]);
  });

  it('fails the claims that wait', async () => {
    const { manager, provider, clock } = setUp({ pool: { target: 0 } });
    provider.before = (operation) =>
      operation === 'run' ? new Promise<void>((resolve) => clock.schedule(5_000, resolve)) : undefined;
    const answer = await manager.claim('tool');
    await clock.advance(100);
    const closing = manager.close();
    await expect(answer.ready).rejects.toMatchObject({ code: 'closed' });
    await clock.advance(5_000);
    await closing;
    expect(provider.alive()).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
