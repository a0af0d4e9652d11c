import { RateLimitError, Sandbox, SandboxNotFoundError } from 'e2b';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LocalHost, startLocalHost } from '../host.js';

describe('faults on demand, seen by the unmodified SDK', () => {
  let host: LocalHost;

  beforeAll(async () => {
    host = await startLocalHost();
  });

  afterEach(async () => {
    host.faults.clear();
    for (const { sandboxId } of await Sandbox.list(host.connectionOptions).nextItems()) {
      await Sandbox.kill(sandboxId, host.connectionOptions);
    }
  });

  afterAll(() => host.close());

  const create = () => Sandbox.create('base', { ...host.connectionOptions, timeoutMs: 60_000 });
  const living = async () => (await Sandbox.list(host.connectionOptions).nextItems()).length;

  it('429 without Retry-After is told at once, 429 with it is waited out', async () => {
    host.faults.add({ rules: [{ operation: 'create', times: 1, effect: { kind: 'error', status: 429 } }] });
    await expect(create()).rejects.toBeInstanceOf(RateLimitError);
    const effect = { kind: 'error', status: 429, retryAfterSeconds: 0 } as const;
    host.faults.add({ rules: [{ id: 'busy', operation: 'create', times: 2, effect }] });
    await expect(create()).resolves.toBeInstanceOf(Sandbox);
    expect(host.faults.report().rules.find((rule) => rule.id === 'busy')?.applied).toBe(2);
  });

  it('a lost answer leaves a sandbox that nobody was told of', async () => {
    host.faults.add({ rules: [{ operation: 'create', times: 1, effect: { kind: 'loseAnswer' } }] });
    await expect(create()).rejects.toThrow();
    expect(await living()).toBe(1);
  });

  it('a request that is cut has no effect', async () => {
    host.faults.add({ rules: [{ operation: 'create', times: 1, effect: { kind: 'cutRequest' } }] });
    await expect(create()).rejects.toThrow();
    expect(await living()).toBe(0);
  });

  it('a sandbox dies as early as was ordered', async () => {
    host.faults.add({ rules: [{ operation: 'create', effect: { kind: 'earlyDeath', afterMs: 0 } }] });
    const sandbox = await create();
    await expect.poll(() => sandbox.isRunning()).toBe(false);
  });

  it('a resume fails, once, or for ever when the sandbox is lost', async () => {
    const sandbox = await create();
    await sandbox.pause();
    host.faults.add({ rules: [{ operation: 'resume', times: 1, effect: { kind: 'failResume', status: 503 } }] });
    await expect(sandbox.connect()).rejects.toThrow();
    await sandbox.connect();
    await sandbox.pause();
    host.faults.add({ rules: [{ operation: 'resume', effect: { kind: 'failResume', losesSandbox: true } }] });
    await expect(sandbox.connect()).rejects.toThrow();
    await expect(sandbox.connect()).rejects.toBeInstanceOf(SandboxNotFoundError);
  });

  it('the ceiling on sandboxes at once is that of the plan', async () => {
    host.faults.add({ limits: { concurrentSandboxes: 2 } });
    const results = await Promise.allSettled([create(), create(), create()]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map((result) => result.reason)).toEqual([expect.any(RateLimitError)]);
  });

  it('latency is played from options and the admin API needs the key', async () => {
    const slow = await startLocalHost({ latency: { operations: { list: { p50Ms: 40, p95Ms: 40, p99Ms: 40 } } } });
    try {
      const began = performance.now();
      await Sandbox.list(slow.connectionOptions).nextItems();
      expect(performance.now() - began).toBeGreaterThan(20);
      const url = `${slow.apiUrl}/_pilotlight/faults`;
      expect((await fetch(url)).status).toBe(401);
      const answer = await fetch(url, { headers: { 'X-API-KEY': slow.apiKey } });
      expect(await answer.json()).toMatchObject({ rules: [], latency: { profile: 'e2b', seed: 1 } });
    } finally {
      await slow.close();
    }
  });

  it('options that cannot be used are named at start', async () => {
    await expect(startLocalHost({ faults: { limits: { concurrentSandboxes: -1 } } })).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });
});
