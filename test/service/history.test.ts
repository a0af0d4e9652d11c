import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryClaimHistory } from '../../packages/warmer/src/adapters/memory-history.js';
import { RedisClaimHistory } from '../../packages/warmer/src/adapters/redis-history.js';
import { SqliteClaimHistory } from '../../packages/warmer/src/adapters/sqlite-history.js';
import type { ClaimHistory, PastClaim } from '../../packages/warmer/src/history/history.js';
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js';
import { startTestService } from './support/start-service.js';

const startMs = Date.parse('2026-01-01T00:00:00Z');
const past = (number: number, more: Partial<PastClaim> = {}): PastClaim => ({
  claimId: `c_${String(number).padStart(5, '0')}`,
  atMs: startMs + number * 60_000,
  pool: number % 3 === 0 ? 'node' : 'python',
  source: 'hot',
  waitedMs: 3,
  ...more,
});

async function all(history: ClaimHistory, fromMs = 0): Promise<PastClaim[]> {
  const found: PastClaim[] = [];
  for await (const claim of history.read(fromMs)) found.push(claim);
  return found;
}

let folder: string;
let redis: RedisServer | undefined;
let client: Redis | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-history-'));
  redis = hasRedis ? await startRedis() : undefined;
  client = redis && new Redis(redis.url);
});
afterAll(async () => {
  client?.disconnect();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const adapters: { name: string; skip: boolean; open: (name: string) => ClaimHistory }[] = [
  { name: 'memory', skip: false, open: () => new MemoryClaimHistory() },
  { name: 'SQLite', skip: false, open: (name) => new SqliteClaimHistory(join(folder, `${name}.db`)) },
  { name: 'Redis', skip: !hasRedis, open: (name) => new RedisClaimHistory({ redis: client!, prefix: name }) },
];

describe.each(adapters)('past claims in $name', ({ skip, open }) => {
  it.skipIf(skip)('come in the order of their time, from a time on, also many and written out of order', async () => {
    const history = open('order');
    const claims = Array.from({ length: 2_500 }, (_, number) => past(number));
    await history.put(claims.toReversed());
    expect(await all(history)).toEqual(claims);
    expect(await all(history, claims[2_000]!.atMs)).toEqual(claims.slice(2_000));
    await history.close();
  });

  it.skipIf(skip)('are replaced by what is known later, and may be written again', async () => {
    const history = open('later');
    const asked: PastClaim = { claimId: 'c_1', atMs: startMs, pool: 'node' };
    await history.put([asked, past(5)]);
    expect((await all(history))[0]).toEqual(asked);
    const ended = { ...asked, source: 'cold', waitedMs: 12_000, usedMs: 60_000 } as const;
    await history.put([ended]);
    await history.put([ended]);
    expect(await all(history)).toEqual([ended, past(5)]);
    await history.close();
  });

  it.skipIf(skip)('are forgotten by age and by number, the oldest first', async () => {
    const history = open('bounded');
    await history.put(Array.from({ length: 1_500 }, (_, number) => past(number)));
    await history.forget(startMs + 100 * 60_000, 10_000);
    expect((await all(history)).at(0)).toEqual(past(100));
    await history.forget(0, 20);
    expect((await all(history)).map(({ claimId }) => claimId)).toEqual(
      Array.from({ length: 20 }, (_, number) => past(1_480 + number).claimId),
    );
    await history.close();
  });
});

describe('the service', () => {
  it('notes each claim: when, which runtime, from where, how long waited and used, and nothing of a tenant', async () => {
    const history = new MemoryClaimHistory();
    const test = await startTestService({ history });
    const claim = async (body: object): Promise<{ claimId: string }> => {
      const answer = await test.request('POST', '/v1/claims', { token: test.token('acme'), body });
      return (await answer.json()) as { claimId: string };
    };
    test.manager.stock('node', 1);
    const { claimId } = await claim({ runtime: 'node', userId: 'ada', key: 'secret-key', files: [] });
    await test.request('DELETE', `/v1/claims/${claimId}`, { token: test.token('acme') });
    await claim({ runtime: 'node' });
    await test.close();
    const noted = await all(history);
    expect(noted).toMatchObject([{ pool: 'node', source: 'hot', waitedMs: expect.any(Number) }, { pool: 'node' }]);
    expect(noted[0]!.usedMs).toBeGreaterThanOrEqual(0);
    expect(noted[1]!.source).toBeUndefined();
    expect(JSON.stringify(noted)).not.toMatch(/ada|acme|secret/);
  });

  it('goes on with claims while their history cannot be written, and writes it later', async () => {
    const kept = new MemoryClaimHistory();
    let away = true;
    const history: ClaimHistory = {
      put: (claims) => (away ? Promise.reject(new Error('away')) : kept.put(claims)),
      read: (fromMs) => kept.read(fromMs),
      forget: (beforeMs, most) => kept.forget(beforeMs, most),
      close: () => kept.close(),
    };
    const test = await startTestService({ history });
    test.manager.stock('node', 2);
    const claim = () => test.request('POST', '/v1/claims', { token: test.token('acme'), body: { runtime: 'node' } });
    expect((await claim()).status).toBe(200);
    await expect.poll(() => test.logged.some((line) => line.includes('past claims')), { timeout: 5_000 }).toBe(true);
    expect((await claim()).status).toBe(200);
    away = false;
    await test.close();
    expect(await all(kept)).toHaveLength(2);
  });
});

describe('pilotlight replay', () => {
  const bin = fileURLToPath(new URL('../../packages/warmer/src/cli.ts', import.meta.url));
  const replay = (...words: string[]) =>
    spawnSync(
      process.execPath,
      [
        '--conditions=@pilotlight/source',
        '--import',
        'tsx',
        bin,
        'replay',
        '--config',
        join(folder, 'warmer.json'),
        ...words,
      ],
      { encoding: 'utf8', env: { PATH: process.env.PATH }, cwd: fileURLToPath(new URL('../..', import.meta.url)) },
    );

  it('says what last week would have cost and hit under each policy, as a table and as a plot', async () => {
    const path = join(folder, 'service.db');
    writeFileSync(join(folder, 'warmer.json'), JSON.stringify({ store: { kind: 'sqlite', path } }));
    const nothing = replay();
    expect([nothing.status, nothing.stderr]).toEqual([1, expect.stringContaining('There is no store')]);
    const history = new SqliteClaimHistory(path);
    const fromMs = Date.now() - 3 * 86_400_000;
    await history.put(
      Array.from({ length: 150 }, (_, number) =>
        past(number, {
          atMs: fromMs + number * 560_000,
          ...(number % 10 === 0 ? { source: 'cold', waitedMs: 8_000 } : {}),
        }),
      ),
    );
    await history.close();
    const plot = join(folder, 'frontier.html');
    const answer = replay('--plot', plot);
    expect(answer.stderr).toBe('');
    expect(answer.stdout).toContain('150 claims of 2 runtimes in 7 days; 90.0 % were handed a hot sandbox.');
    expect(answer.stdout).toContain('A sandbox takes 8.0 s to be hot.');
    for (const policy of ['forecast', 'keep-alive', 'newsvendor', 'hybrid-histogram']) {
      expect(answer.stdout).toContain(policy);
    }
    expect(readFileSync(plot, 'utf8')).toMatch(/<svg.*<table>/s);
    // The last of them is two days old.
    expect(replay('--days', '1').stderr).toContain('No claim of that time is kept');
    const json = JSON.parse(replay('--json').stdout) as { claims: number; rows: { hitShare: number }[] };
    expect(json.claims).toBe(150);
    expect(json.rows.every(({ hitShare }) => hitShare >= 0 && hitShare <= 1)).toBe(true);
  }, 120_000);
});
