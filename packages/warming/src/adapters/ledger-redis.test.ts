import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../../../test/support/redis.js';
import { type Clock, systemClock } from '../clock.js';
import { ledgerContract } from '../ledger/contract.js';
import type { Ledger, TakeRequest } from '../ledger/ledger.js';
import { type SlotRecord, shelf } from '../ledger/record.js';
import { redisLedger } from './ledger-redis.js';

describe.skipIf(!hasRedis)('the Redis ledger', () => {
  let server: RedisServer;
  let fleets = 0;
  const open: Ledger[] = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  });

  async function ledger(fleet: string): Promise<Ledger> {
    const made = redisLedger({ url: server.url, fleet });
    open.push(made);
    await made.open();
    return made;
  }

  it.each(ledgerContract.map((one) => [one.name, one] as const))('%s', (_name, { run }) => {
    fleets += 1;
    return run(() => ledger(`fleet-${fleets}`));
  });

  it('tells the others when a slot becomes ready', async () => {
    const [first, second] = [await ledger('watch'), await ledger('watch')];
    const told = new Promise<string>((resolve) =>
      first.watch?.((notice) => notice.kind === 'changed' && resolve(notice.pool)),
    );
    const record = hot('a');
    // The subscription may need a moment to be in force.
    let pool: string | undefined;
    void told.then((name) => {
      pool = name;
    });
    await vi.waitFor(
      async () => {
        await second.restore(record);
        await second.remove(record);
        expect(pool).toBe('tool');
      },
      { interval: 20, timeout: 10_000 },
    );
  });

  it('has another epoch after its data were flushed', async () => {
    const first = await ledger('flushed');
    const before = await first.epoch();
    const redis = new Redis(server.url);
    await redis.flushall();
    await redis.quit();
    expect((await first.epoch()).id).not.toBe(before.id);
  });

  it('refuses a Redis that evicts keys', async () => {
    const redis = new Redis(server.url);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(ledger('evicted')).rejects.toMatchObject({
      code: 'ledger_unavailable',
      message: expect.stringContaining('noeviction'),
    });
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.quit();
  });

  it('says that a Redis is not there', async () => {
    const missing = redisLedger({ url: 'redis://127.0.0.1:1', fleet: 'x', connection: { retryStrategy: () => null } });
    await expect(missing.open()).rejects.toMatchObject({ code: 'ledger_unavailable' });
    await missing.close();
  });

  it('keeps its time apart from a clock of this machine that is wrong or jumps', async () => {
    let wrongByMs = 3_600_000;
    const clock: Clock = { ...systemClock, nowMs: () => Date.now() + wrongByMs };
    const ahead = redisLedger({ url: server.url, fleet: 'time', clock });
    open.push(ahead);
    await ahead.open();
    expect(Math.abs(ahead.nowMs() - Date.now())).toBeLessThan(1_000);
    wrongByMs = -3_600_000;
    const before = ahead.nowMs();
    expect(ahead.nowMs() - before).toBeLessThan(1_000);
    expect(Math.abs((await ledger('time')).nowMs() - ahead.nowMs())).toBeLessThan(1_000);
  });

  it('says while it runs that Redis was told to evict keys', async () => {
    const first = await ledger('policy');
    const redis = new Redis(server.url);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(first.epoch()).rejects.toMatchObject({ message: expect.stringContaining('noeviction') });
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.quit();
  });

  it('begins a new epoch when its slots were evicted, and counts none of them any more', async () => {
    const first = await ledger('gone');
    const before = await first.epoch();
    const limits = { max: 1, goal: 1, running: 1, rate: { perSecond: 1_000, burst: 1_000, leave: 0 } };
    expect(await first.reserve(hot('a'), limits)).toMatchObject({ kind: 'reserved' });
    const redis = new Redis(server.url);
    await redis.del('pilotlight:{gone}:slots');
    await redis.quit();
    expect((await first.epoch()).id).not.toBe(before.id);
    expect(await first.view('tool')).toEqual([]);
    expect(await first.reserve(hot('b'), limits)).toMatchObject({ kind: 'reserved' });
  });

  it('passes over a slot whose record was evicted', async () => {
    const first = await ledger('holes');
    await first.restore(hot('a'));
    await first.restore(hot('b'));
    const redis = new Redis(server.url);
    await redis.hdel('pilotlight:{holes}:slots', 'a');
    await redis.quit();
    expect(await first.take(taking('one'))).toMatchObject({ kind: 'taken', record: { slotId: 'b' } });
    expect(await first.take(taking('two'))).toMatchObject({ kind: 'empty' });
  });

  it('says that a change has not reached the copies it was asked for', async () => {
    const careful = redisLedger({ url: server.url, fleet: 'copies', copies: 1, commandTimeoutMs: 400 });
    open.push(careful);
    await careful.open();
    await expect(careful.restore(hot('a'))).rejects.toMatchObject({
      code: 'ledger_unavailable',
      message: expect.stringContaining('0 of 1'),
    });
  });

  it('after a failover that lost acknowledged writes, tells so, and takes back what a claimant has', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilotlight-failover-'));
    const older = `${folder}-older`;
    let primary = await startRedis({ folder });
    const port = Number(new URL(primary.url).port);
    const own = redisLedger({ url: primary.url, fleet: 'lossy' });
    open.push(own);
    await own.open();
    const epoch = await own.epoch();
    await own.restore(hot('a'));
    const notices: string[] = [];
    own.watch?.((notice) => notices.push(notice.kind));
    await vi.waitFor(async () => {
      await own.write((await own.read('a'))!);
      expect(notices).toContain('changed');
    });
    await cp(folder, older, { recursive: true });
    const taken = await own.take(taking('one'));
    if (taken.kind !== 'taken') throw new Error(taken.kind);
    await primary.stop();
    primary = await startRedis({ port, folder: older });
    await vi.waitFor(() => expect(notices).toContain('back'), { timeout: 10_000 });
    expect((await own.epoch()).id).not.toBe(epoch.id);
    expect(await own.restore(taken.record)).toBe(true);
    expect(await own.take(taking('two'))).toMatchObject({ kind: 'empty' });
    expect(await own.find('one')).toEqual(taken.record);
    await primary.stop();
    await Promise.all([folder, older].map((path) => rm(path, { recursive: true, force: true })));
  });
});

function hot(slotId: string): SlotRecord {
  return {
    slotId,
    version: 1,
    pool: 'tool',
    specKey: 'spec',
    owner: 'x',
    purpose: 'hot',
    createdAtMs: 1,
    dueAtMs: 1,
    hardEndsAtMs: 10,
    state: { name: 'hot', place: { sandboxId: `sandbox-${slotId}`, envdVersion: '1' }, hotSinceMs: 1, endsAtMs: 10 },
  };
}

function taking(key: string): TakeRequest {
  return {
    claim: { claimId: key, key, tenant: 'default', runtime: 'tool', specKey: 'spec', source: 'hot' },
    shelves: [shelf('hot', 'tool', 'spec')],
    hardEndsAfterMs: 0,
    endsAfterMs: 0,
    leaseUntilMs: 10,
    owner: 'x',
    preparing: false,
    tenantMax: 100,
  };
}
