import { E2B, Sandbox, Volume, VolumeError, VolumePathNotFoundError } from 'e2b';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalHost, startLocalHost } from '../host.js';

describe('volumes, seen by the unmodified SDK', () => {
  let host: LocalHost;
  let isProcess: boolean;

  beforeAll(async () => {
    host = await startLocalHost();
    isProcess = host.isolation === 'process';
    vi.stubEnv('E2B_VOLUME_API_URL', host.apiUrl);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await host.close();
  });

  const create = (name: string) => Volume.create(name, host.connectionOptions);

  it('are created, listed, found again and destroyed', async () => {
    const volume = await create('first');
    expect(await Volume.list(host.connectionOptions)).toContainEqual({ volumeId: volume.volumeId, name: 'first' });
    expect((await Volume.connect(volume.volumeId, host.connectionOptions)).token).toBe(volume.token);
    await expect(create('first')).rejects.toBeInstanceOf(VolumeError);
    expect(await Volume.destroy(volume.volumeId, host.connectionOptions)).toBe(true);
    expect(await Volume.destroy(volume.volumeId, host.connectionOptions)).toBe(false);
  });

  it('hold files and directories', async () => {
    const volume = await create('content');
    await expect(volume.makeDir('/a/b')).rejects.toThrow();
    expect(await volume.makeDir('/a/b', { force: true })).toMatchObject({ name: 'b', path: '/a/b', type: 'directory' });
    const written = await volume.writeFile('/a/b/text.txt', 'content', { mode: 0o600 });
    expect(written).toMatchObject({ name: 'text.txt', type: 'file', size: 7, mode: 0o600 });
    expect(await volume.readFile('/a/b/text.txt')).toBe('content');
    await expect(volume.writeFile('/a/b/text.txt', 'other')).rejects.toThrow('409');
    await volume.writeFile('/a/b/text.txt', '', { force: true });
    expect(await volume.readFile('/a/b/text.txt')).toBe('');
    expect((await volume.list('/', { depth: 3 })).map((entry) => entry.path)).toEqual(['/a', '/a/b', '/a/b/text.txt']);
    expect((await volume.updateMetadata('/a/b/text.txt', { mode: 0o644 })).mode).toBe(0o644);
    expect(await volume.exists('/a/b/text.txt')).toBe(true);
    await volume.remove('/a');
    expect(await volume.list('/')).toEqual([]);
    await expect(volume.readFile('/a/b/text.txt')).rejects.toBeInstanceOf(VolumePathNotFoundError);
    await expect(volume.list('/a')).rejects.toBeInstanceOf(VolumePathNotFoundError);
  });

  it('carry large content both ways', async () => {
    const volume = await create('large');
    const bytes = Buffer.alloc(5_000_000, 'pilotlight ');
    await volume.writeFile('/large', new Blob([bytes]));
    expect(Buffer.from(await volume.readFile('/large', { format: 'bytes' })).equals(bytes)).toBe(true);
  });

  it('are shown in many sandboxes at once and outlive them', async () => {
    if (isProcess) {
      return;
    }
    const volume = await create('shared');
    await volume.writeFile('/from-api', 'api');
    const volumeMounts = { '/mnt/data': volume };
    const [one, two] = await Promise.all([
      Sandbox.create({ ...host.connectionOptions, volumeMounts }),
      Sandbox.create({ ...host.connectionOptions, volumeMounts: { '/home/user/data': 'shared' } }),
    ]);
    expect((await one.commands.run('cat /mnt/data/from-api && echo one > /mnt/data/from-one')).stdout).toBe('api');
    expect((await two.commands.run('cat data/from-one')).stdout).toBe('one\n');
    expect(await volume.readFile('/from-one')).toBe('one\n');
    expect((await one.getInfo()).volumeMounts).toEqual([{ name: 'shared', path: '/mnt/data' }]);
    const { snapshotId } = await one.createSnapshot();
    expect((await one.commands.run('cat /mnt/data/from-one')).stdout).toBe('one\n');
    await Promise.all([one.kill(), two.kill()]);
    const three = await Sandbox.create(snapshotId, host.connectionOptions);
    expect((await three.commands.run('ls /mnt/data')).stdout).toBe('');
    expect(await volume.readFile('/from-one')).toBe('one\n');
  });

  it('a link that a sandbox left leads nowhere on the host', async () => {
    if (isProcess) {
      return;
    }
    const volume = await create('links');
    const sandbox = await Sandbox.create({ ...host.connectionOptions, volumeMounts: { '/mnt/v': volume } });
    await sandbox.commands.run(
      'ln -s /etc/shadow /mnt/v/secret; ln -s / /mnt/v/root; ln -s /proc/1/root/root /mnt/v/up',
    );
    await expect(volume.readFile('/secret')).rejects.toThrow();
    await expect(volume.readFile('/../../etc/shadow')).rejects.toBeInstanceOf(VolumePathNotFoundError);
    expect((await volume.list('/root')).map(({ name }) => name)).not.toContain('work');
    await volume.writeFile('/root/tmp/stays-inside', 'x');
    expect(await sandbox.files.exists('/tmp/stays-inside')).toBe(false);
  });

  it('need their own token', async () => {
    const [mine, other] = [await create('mine'), await create('other')];
    const ask = (authorization?: string) =>
      fetch(`${host.apiUrl}/volumecontent/${mine.volumeId}/dir?path=/`, {
        headers: authorization ? { authorization } : {},
      });
    expect((await ask()).status).toBe(401);
    expect((await ask(`Bearer ${other.token}`)).status).toBe(401);
    expect((await ask(`Bearer ${mine.token}`)).status).toBe(200);
  });

  it('a mount that cannot be is refused', async () => {
    const client = new E2B(host.connectionOptions);
    await expect(client.Sandbox.create({ volumeMounts: { '/mnt/x': 'no-such' } })).rejects.toThrow('no-such');
    if (!isProcess) {
      await create('misplaced');
      await expect(client.Sandbox.create({ volumeMounts: { '/usr/x': 'misplaced' } })).rejects.toThrow('/usr/x');
    }
  });
});
