import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { remoteManager } from '@pilotlight/sdk/remote';
import { defineRuntime } from '@pilotlight/warming';
import { Sandbox, Template } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema, type WarmerConfigInput } from '../../packages/warmer/src/config/schema.js';
import { startWarmer, type Warmer } from '../../packages/warmer/src/warmer.js';
import { allScopes } from './support/start-service.js';

const { token, record } = issueToken({ tenant: 'acme', scopes: [...allScopes, 'operator'] }, randomBytes);
const sealKey = randomBytes(32).toString('hex');

let host: LocalHost;
let folder: string;
beforeAll(async () => {
  host = await startLocalHost();
  folder = mkdtempSync(`${tmpdir()}/pilotlight-start-`);
});
afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(store: string, more: WarmerConfigInput = {}): Promise<Warmer> {
  return startWarmer(
    configSchema.parse({
      listen: { port: 0 },
      provider: host.connectionOptions,
      store: { kind: 'sqlite', path: `${folder}/${store}/warmer.db` },
      sealKey,
      tokens: [record],
      budget: { createsPerSecond: 50 },
      log: { level: 'silent' },
      drainMs: 0,
      ...more,
    }),
  );
}

const checkOf = async (warmer: Warmer, name: string) =>
  (await warmer.service.context.readiness.report()).checks.find((check) => check.name === name);

type Links = { links: { packKey: string; snapshotId: string; runtime?: string; verifiedAtMs?: number }[] };
const linksOf = async (warmer: Warmer): Promise<Links['links']> =>
  ((await remoteManager({ url: warmer.url, token }).client.json('get', 'v1/snapshots')) as Links).links;

describe('a start of the service', () => {
  const stepped = {
    name: 'stepped',
    steps: [{ name: 'write', run: 'echo made > ~/made' }],
    pool: { target: 1, generic: false },
  };

  it('verifies the links of the start before: what is there is used, what the provider lost is made anew', async () => {
    const first = await start('links', { runtimes: [stepped] });
    await first.warmed;
    await expect.poll(() => linksOf(first), { timeout: 15_000 }).toHaveLength(1);
    const [link] = await linksOf(first);
    expect(link).toMatchObject({ runtime: 'stepped', verifiedAtMs: expect.any(Number) });
    await first.close();

    const second = await start('links', { runtimes: [stepped] });
    await second.warmed;
    expect(await checkOf(second, 'links')).toMatchObject({ state: 'pass', message: '1 verified, 0 of them dropped' });
    expect((await linksOf(second))[0]?.snapshotId).toBe(link?.snapshotId);
    await second.close();

    await Sandbox.deleteSnapshot(link?.snapshotId ?? '', host.connectionOptions);
    const third = await start('links', { runtimes: [stepped] });
    await third.warmed;
    expect(await checkOf(third, 'links')).toMatchObject({ state: 'pass', message: '1 verified, 1 of them dropped' });
    // The pool of the starts before is still there; what takes the place of a claimed sandbox is warmed and captured.
    await (await remoteManager({ url: third.url, token }).claim('stepped')).ready;
    await expect.poll(async () => (await linksOf(third))[0]?.snapshotId, { timeout: 15_000 }).not.toBe(undefined);
    expect((await linksOf(third))[0]?.snapshotId).not.toBe(link?.snapshotId);
    const made = (await linksOf(third))[0];
    const answer = await fetch(`${third.url}/v1/snapshots/${encodeURIComponent(made?.packKey ?? '')}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(204);
    expect(await linksOf(third)).toEqual([]);
    await third.close();
  }, 60_000);

  it('builds templates that are not there, leaves those that are, and tells when one cannot be built', async () => {
    const recipe = (name: string, run: string) => ({
      name,
      from: { kind: 'template' as const, name: 'base' },
      run: [run],
    });
    const runtimes = [{ name: 'tooled', template: 'tooled', pool: { target: 1, link: false, generic: false } }];
    const templates = [recipe('tooled', 'echo tool > /home/user/tool'), recipe('hopeless', 'exit 9')];
    const warmer = await start('templates', { runtimes, templates });
    await warmer.warmed;
    expect(await Template.exists('tooled', host.connectionOptions)).toBe(true);
    expect(await checkOf(warmer, 'template tooled')).toMatchObject({ state: 'pass' });
    expect(await checkOf(warmer, 'template hopeless')).toMatchObject({ state: 'fail' });
    expect((await fetch(`${warmer.url}/readyz`)).status).toBe(503);
    const claim = await (await remoteManager({ url: warmer.url, token }).claim('tooled')).ready;
    const sandbox = await Sandbox.connect(claim.connection.sandboxId, host.connectionOptions);
    expect((await sandbox.commands.run('cat /home/user/tool')).stdout).toBe('tool\n');
    await warmer.close();
  }, 60_000);

  it('knows the runtimes that tenants declared before it, and goes on with a claim of one that was warming', async () => {
    const first = await start('declared');
    await first.warmed;
    const manager = remoteManager({ url: first.url, token });
    manager.define(
      defineRuntime({
        name: 'own',
        steps: [{ name: 'wait', run: 'sleep 1' }],
        pool: { target: 0, link: false, generic: false },
      }),
    );
    const warming = await manager.claim('own', { key: 'before' });
    expect(warming.state).toBe('WARMING');
    warming.ready.catch(() => undefined);
    const { claimId } = (await manager.client.claim({ runtime: 'own', key: 'before' })) as { claimId: string };
    await first.close();
    const second = await start('declared');
    await second.warmed;
    const after = remoteManager({ url: second.url, token });
    await expect.poll(async () => (await after.client.read(claimId)).state, { timeout: 15_000 }).toBe('HOT');
    await after.client.retire(claimId);
    await second.close();
  }, 60_000);
});

it('a start whose provider is away says so, and the process lives on', async () => {
  const away = configSchema.parse({
    listen: { port: 0 },
    provider: { ...host.connectionOptions, apiUrl: 'http://127.0.0.1:9' },
    store: { kind: 'memory' },
    tokens: [record],
    log: { level: 'silent' },
    drainMs: 0,
  });
  const warmer = await startWarmer(away);
  await expect.poll(() => checkOf(warmer, 'engine'), { timeout: 10_000 }).toMatchObject({ state: 'fail' });
  expect((await fetch(`${warmer.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${warmer.url}/readyz`)).status).toBe(503);
  await warmer.close();
}, 30_000);
