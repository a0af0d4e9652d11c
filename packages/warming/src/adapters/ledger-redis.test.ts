import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../../../test/support/redis.js';
import { ledgerContract } from '../ledger/contract.js';
import type { Ledger } from '../ledger/ledger.js';
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
    const place = { sandboxId: 's', envdVersion: '1' };
    const record = {
      slotId: 'a',
      version: 1,
      pool: 'tool',
      specKey: 'spec',
      owner: 'x',
      purpose: 'hot',
      createdAtMs: 1,
      dueAtMs: 1,
      hardEndsAtMs: 1,
      state: { name: 'hot', place, hotSinceMs: 1, endsAtMs: 1 },
    } as const;
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

  it('keeps its time apart from a clock of this machine that jumps', async () => {
    const first = await ledger('time');
    expect(Math.abs(first.nowMs() - Date.now())).toBeLessThan(1_000);
  });
});
