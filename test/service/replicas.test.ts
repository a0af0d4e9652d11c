import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { remoteManager } from '@pilotlight/sdk/remote';
import { wireErrorBody } from '@pilotlight/warming/wire';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema, type WarmerConfigInput } from '../../packages/warmer/src/config/schema.js';
import { startWarmer, type Warmer } from '../../packages/warmer/src/warmer.js';
import { allScopes } from './support/start-service.js';

const redisPath = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find((path) => existsSync(path));
if (!redisPath) console.warn('No redis-server on this machine: replicas are NOT tested. Install "redis-server".');

const { token, record } = issueToken({ tenant: 'acme', scopes: allScopes }, randomBytes);
const sealKey = randomBytes(32).toString('hex');
/** Longer than every time limit of a request; `REDIS_PAUSE_MS=60000` for the whole minute. */
const pauseMs = Number(process.env.REDIS_PAUSE_MS ?? 12_000);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

describe.skipIf(!redisPath)('replicas over Redis', () => {
  let redis: ChildProcess;
  let folder: string;
  let url: string;
  let host: LocalHost;
  const open: Warmer[] = [];

  const startRedis = async (port: number): Promise<void> => {
    redis = spawn(
      redisPath!,
      [
        '--port',
        String(port),
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'yes',
        '--maxmemory-policy',
        'noeviction',
      ],
      { stdio: 'ignore' },
    );
    const client = new Redis(url, { maxRetriesPerRequest: null });
    client.on('error', () => {});
    await client.ping();
    client.disconnect();
  };

  beforeAll(async () => {
    folder = mkdtempSync(`${tmpdir()}/pilotlight-redis-`);
    const port = await freePort();
    url = `redis://127.0.0.1:${port}`;
    await startRedis(port);
    host = await startLocalHost();
  });
  afterAll(async () => {
    await Promise.all(open.map((warmer) => warmer.close()));
    redis?.kill('SIGKILL');
    await host?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const config = (more: WarmerConfigInput = {}) =>
    configSchema.parse({
      listen: { port: 0 },
      provider: host.connectionOptions,
      store: { kind: 'redis', url },
      sealKey,
      tokens: [record],
      budget: { createsPerSecond: 50, maxConcurrentCreates: 4 },
      recovery: { leaseMs: 3_000, sweepMs: 1_000, orphanGraceMs: 4_000 },
      log: { level: 'silent' },
      drainMs: 0,
      runtimes: [
        { name: 'shell', pool: { target: 2, link: false, generic: false } },
        { name: 'slow', steps: [{ name: 'wait', run: 'sleep 2' }], pool: { target: 0, link: false, generic: false } },
      ],
      ...more,
    });
  const replica = async (): Promise<Warmer> => {
    const warmer = await startWarmer(config());
    open.push(warmer);
    return warmer;
  };

  it('share claims: made at one, read, followed, renewed and retired at another, and never the same sandbox twice', async () => {
    const [one, two] = await Promise.all([replica(), replica()]);
    await one!.warmed;
    const first = remoteManager({ url: one!.url, token });
    const second = remoteManager({ url: two!.url, token });
    const claims = await Promise.all(
      [first, second, first, second].map(async (manager) => (await manager.claim('shell')).ready),
    );
    expect(new Set(claims.map((claim) => claim.connection.sandboxId)).size).toBe(4);
    const elsewhere = await second.client.read(claims[0]!.claimId);
    expect(elsewhere).toMatchObject({ state: 'HOT', connection: { sandboxId: claims[0]!.connection.sandboxId } });
    await second.client.renew(claims[0]!.claimId, 600_000);
    await Promise.all(claims.map((claim) => claim.ack()));
    for (const claim of claims) await second.client.retire(claim.claimId);
    expect(await first.client.read(claims[0]!.claimId)).toMatchObject({ state: 'RETIRED' });
    const warming = await first.client.claim({ runtime: 'slow', key: 'across' });
    expect(warming).toMatchObject({ state: 'WARMING', phase: 'queued' });
    const again = await second.claim('slow', { key: 'across' });
    const claim = await again.ready;
    expect(claim.claimId).toBe(warming.claimId);
    await claim.retire();
    await Promise.all([first.close(), second.close()]);
  });

  it('know the runtimes that a tenant declared at another one, and count its requests together', async () => {
    const [one, two] = open;
    const first = remoteManager({ url: one!.url, token });
    const second = remoteManager({ url: two!.url, token });
    await first.client.define('shared-by-tenant', { pool: { target: 0, link: false, generic: false } });
    const claim = await (await second.claim('shared-by-tenant')).ready;
    await claim.retire();
    const few = issueToken({ tenant: 'few', scopes: ['claims'], requestsPerSecond: 1 }, randomBytes);
    const limited = await Promise.all(
      [0, 1].map(async () => {
        const warmer = await startWarmer(config({ tokens: [record, few.record] }));
        open.push(warmer);
        return warmer;
      }),
    );
    const statuses: number[] = [];
    for (let request = 0; request < 12; request += 1) {
      const { url: at } = limited[request % 2]!;
      const { status } = await fetch(`${at}/v1/claims`, { headers: { authorization: `Bearer ${few.token}` } });
      statuses.push(status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    await Promise.all(open.splice(2).map((warmer) => warmer.close()));
    await Promise.all([first.close(), second.close()]);
  }, 30_000);

  it('keep in the store nothing that opens a sandbox', async () => {
    const manager = remoteManager({ url: open[0]!.url, token });
    const claim = await (await manager.claim('shell', { files: [{ path: 'f', content: 'users-own-text' }] })).ready;
    const secret = claim.connection.envdAccessToken!;
    const client = new Redis(url);
    let stored = '';
    for (const key of await client.keys('pilotlight:*')) {
      if ((await client.type(key)) === 'string') stored += await client.get(key);
      if ((await client.type(key)) === 'stream') stored += JSON.stringify(await client.xrange(key, '-', '+'));
    }
    expect(stored).toContain(claim.claimId);
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain('users-own-text');
    client.disconnect();
    await claim.retire();
    await manager.close();
  });

  it('go on with the warm-up of a replica that was killed, under the same claim', async () => {
    const script = new URL('./support/replica.ts', import.meta.url).pathname;
    const child = spawn(
      process.execPath,
      ['--conditions=@pilotlight/source', '--import', 'tsx', script, JSON.stringify(config())],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const childUrl = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data) => resolve(String(data).trim())),
    );
    await Promise.all(open.splice(0).map((warmer) => warmer.close()));
    const doomed = remoteManager({ url: childUrl, token });
    const claim = await doomed.client.claim({ runtime: 'slow', key: 'orphan' });
    await expect
      .poll(
        async () => {
          const seen = await doomed.client.read(claim.claimId);
          return seen.state === 'WARMING' ? seen.phase : seen.state;
        },
        { timeout: 15_000 },
      )
      .toBe('warming');
    child.kill('SIGKILL');
    const survivor = await replica();
    const manager = remoteManager({ url: survivor.url, token });
    await expect
      .poll(async () => (await manager.client.read(claim.claimId)).state, { timeout: 140_000, interval: 250 })
      .toBe('HOT');
    await manager.client.retire(claim.claimId);
    await Promise.all([doomed.close(), manager.close()]);
  }, 200_000);

  it('answer 503 while Redis is away, and claims again when it is back', async () => {
    const warmer = open[0] ?? (await replica());
    const { port } = new URL(url);
    const stopped = new Promise((resolve) => redis.once('exit', resolve));
    redis.kill('SIGTERM');
    await stopped;
    const ask = () =>
      fetch(`${warmer.url}/v1/claims`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"runtime":"shell"}',
      });
    const refused = await ask();
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect((await fetch(`${warmer.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${warmer.url}/readyz`)).status).toBe(503);
    await startRedis(Number(port));
    await expect.poll(async () => (await ask()).ok, { timeout: 20_000, interval: 200 }).toBe(true);
    await expect.poll(async () => (await fetch(`${warmer.url}/readyz`)).status, { timeout: 20_000 }).toBe(200);
  }, 60_000);

  it('go on after Redis was away for a while: what is safe is answered from memory, the rest by an honest 503, and nobody loses a sandbox', async () => {
    const warmer = open[0] ?? (await replica());
    await warmer.warmed;
    const ask = (method: string, path: string, body?: object) =>
      fetch(`${warmer.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    const manager = remoteManager({ url: warmer.url, token });
    const held = await (await manager.claim('shell', { key: 'held' })).ready;
    await held.ack();
    const statuses = new Set<number>();
    redis.kill('SIGSTOP');
    try {
      for (const untilMs = performance.now() + pauseMs; performance.now() < untilMs; ) {
        const refused = await ask('POST', '/v1/claims', { runtime: 'shell' });
        statuses.add(refused.status);
        expect(refused.headers.get('retry-after')).not.toBeNull();
        expect(['unavailable', 'ledger_unavailable']).toContain(wireErrorBody.parse(await refused.json()).error.code);
        expect((await ask('GET', '/healthz')).status).toBe(200);
        expect((await ask('GET', '/v1/pools')).status).toBe(200);
      }
    } finally {
      redis.kill('SIGCONT');
    }
    expect([...statuses]).toEqual([503]);
    await expect
      .poll(async () => (await ask('POST', '/v1/claims', { runtime: 'shell', key: 'after' })).ok, { timeout: 20_000 })
      .toBe(true);
    const after = await (await manager.claim('shell', { key: 'after' })).ready;
    const again = await (await manager.claim('shell', { key: 'held' })).ready;
    expect(again.connection.sandboxId).toBe(held.connection.sandboxId);
    expect(after.connection.sandboxId).not.toBe(held.connection.sandboxId);
    await Promise.all([after.retire(), again.retire()]);
    await manager.close();
  }, 150_000);
});
