import { AuthenticationError, E2B, NotFoundError, SandboxNotFoundError } from 'e2b';
import { describe, expect, it } from 'vitest';
import { until, useHost } from './support.js';

describe('lifecycle', () => {
  const at = useHost();

  it('creates a sandbox that runs commands at once and is gone after kill', async () => {
    const sandbox = await at.e2b.Sandbox.create({ metadata: { purpose: 'test' }, timeoutMs: 60_000 });
    expect((await sandbox.commands.run('echo $((40 + 2))')).stdout).toBe('42\n');
    const info = await sandbox.getInfo();
    expect(info).toMatchObject({ state: 'running', metadata: { purpose: 'test' } });
    expect(info.endAt.getTime() - info.startedAt.getTime()).toBeGreaterThan(59_000);
    expect(await sandbox.kill()).toBe(true);
    expect(await sandbox.kill()).toBe(false);
    expect(await sandbox.isRunning()).toBe(false);
    await expect(sandbox.getInfo()).rejects.toThrow(SandboxNotFoundError);
  });

  it('connects to a running sandbox and never shortens its life by that', async () => {
    const sandbox = await at.e2b.Sandbox.create({ timeoutMs: 600_000 });
    const before = (await sandbox.getInfo()).endAt;
    const other = await at.e2b.Sandbox.connect(sandbox.sandboxId, { timeoutMs: 10_000 });
    expect((await other.commands.run('pwd')).stdout).toBe('/home/user\n');
    expect((await sandbox.getInfo()).endAt).toEqual(before);
    await sandbox.kill();
  });

  it('really ends a sandbox when its time is over', async () => {
    const sandbox = await at.e2b.Sandbox.create({ timeoutMs: 60_000 });
    await sandbox.setTimeout(1_000);
    await until('the sandbox ends', async () => !(await sandbox.isRunning()));
    await expect(sandbox.getInfo()).rejects.toThrow(NotFoundError);
  });

  it('lists by metadata that needs every kind of escaping, in pages', async () => {
    const metadata = { 'a b': 'c&d=é%', group: 'listing' };
    const sandboxes = await Promise.all([0, 1, 2].map(() => at.e2b.Sandbox.create({ metadata })));
    const paginator = at.e2b.Sandbox.list({ query: { metadata }, limit: 2 });
    const pages = [await paginator.nextItems(), await paginator.nextItems()];
    expect(pages.map((page) => page.length)).toEqual([2, 1]);
    expect(paginator.hasNext).toBe(false);
    const listed = pages.flat().map((info) => info.sandboxId);
    expect(listed.sort()).toEqual(sandboxes.map((sandbox) => sandbox.sandboxId).sort());
    expect(await at.e2b.Sandbox.list({ query: { metadata: { group: 'other' } } }).nextItems()).toEqual([]);
    await Promise.all(sandboxes.map((sandbox) => sandbox.kill()));
  });

  it('keeps processes alive over a pause and stands still meanwhile', async () => {
    const sandbox = await at.e2b.Sandbox.create();
    const counter = await sandbox.commands.run('while :; do echo x >> ticks; sleep 0.05; done', { background: true });
    await until('it ticks', () => sandbox.files.exists('ticks'));
    expect(await sandbox.pause()).toBe(true);
    expect(await sandbox.pause()).toBe(false);
    expect(await sandbox.isRunning()).toBe(false);
    expect((await sandbox.getInfo()).state).toBe('paused');
    await sandbox.connect();
    expect((await sandbox.commands.list()).map((process) => process.pid)).toContain(counter.pid);
    const before = (await sandbox.files.read('ticks')).length;
    await until('it ticks again', async () => (await sandbox.files.read('ticks')).length > before);
    await sandbox.kill();
  });

  it('makes sandboxes from a snapshot, each with its own copy, after the source is gone', async () => {
    const source = await at.e2b.Sandbox.create({ envs: { KEPT: 'yes' } });
    await source.files.write('/home/user/tree/file', 'first');
    await source.files.write('/tmp/elsewhere', 'also');
    const { snapshotId } = await source.createSnapshot();
    await source.files.write('/home/user/tree/file', 'changed');
    await source.kill();
    const [one, two] = await Promise.all([at.e2b.Sandbox.create(snapshotId), at.e2b.Sandbox.create(snapshotId)]);
    expect(await one.files.read('tree/file')).toBe('first');
    expect(await one.files.read('/tmp/elsewhere')).toBe('also');
    expect((await one.commands.run('echo $KEPT')).stdout).toBe('yes\n');
    await one.files.remove('tree');
    expect(await two.files.read('tree/file')).toBe('first');
    expect(await at.e2b.Sandbox.deleteSnapshot(snapshotId)).toBe(true);
    expect(await at.e2b.Sandbox.deleteSnapshot(snapshotId)).toBe(false);
    expect(await two.files.read('tree/file')).toBe('first');
    await Promise.all([one.kill(), two.kill()]);
  });

  it('answers a wrong key with 401 and a code, and an unknown template with its name', async () => {
    const stranger = new E2B({ ...at.host.connectionOptions, apiKey: 'e2b_00' });
    await expect(stranger.Sandbox.create()).rejects.toThrow(AuthenticationError);
    const answer = await fetch(`${at.host.apiUrl}/v2/sandboxes`, { headers: { 'X-API-KEY': 'e2b_00' } });
    expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([401, 401]);
    await expect(at.e2b.Sandbox.create('no-such-template')).rejects.toThrow(/no-such-template.*base/);
  });

  it('serves the paths of older SDKs too', async () => {
    const headers = { 'X-API-KEY': at.host.apiKey, 'Content-Type': 'application/json' };
    const created = await fetch(`${at.host.apiUrl}/sandboxes`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ templateID: 'base' }),
    });
    expect(created.status).toBe(201);
    const { sandboxID } = (await created.json()) as { sandboxID: string };
    const connected = await fetch(`${at.host.apiUrl}/sandboxes/${sandboxID}/connect`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ timeout: 60 }),
    });
    expect(connected.status).toBe(200);
    const killed = await fetch(`${at.host.apiUrl}/sandboxes/${sandboxID}`, { method: 'DELETE', headers });
    expect(killed.status).toBe(204);
  });
});
