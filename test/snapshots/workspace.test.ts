import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { startLocalHost } from '@pilotlight/local';
import {
  captureWorkspace,
  cloneWorkspace,
  openStore,
  restoreWorkspace,
  type WorkspaceSandbox,
} from '@pilotlight/snapshots';
import { Sandbox } from 'e2b';
import { describe, expect, it } from 'vitest';
import { type ShellSandbox, shellSandbox } from './shell-sandbox.js';
import { fingerprint, temporaryDirectory, writeTree } from './support.js';

const bare = ['sh', 'tar'];
const full = ['sh', 'tar', 'find', 'sha256sum', 'mkdir', 'rm'];

const files = {
  'a.txt': 'one',
  'empty.txt': '',
  'bin/run.sh': { mode: 0o755, text: '#!/bin/sh\n' },
  'empty/deep': undefined,
  "quo'te $HOME `x`/ü\n": 'odd',
  '-dash': 'dash',
  link: { link: 'a.txt' },
  'large.bin': Buffer.alloc(3_000_000, 'abcdefg'),
  '.env': 'SECRET=1',
  '.npmrc': 'registry=https://example.com\n//example.com/:_authToken=abc\n',
};

async function setUp(programs: readonly string[]) {
  const directory = temporaryDirectory();
  const sandbox = shellSandbox(directory, programs);
  const path = join(sandbox.home, 'work');
  return { directory, sandbox, path, store: await openStore({ directory: join(directory, 'store'), threads: 0 }) };
}

function count(sandbox: ShellSandbox): string[] {
  return sandbox.calls.splice(0);
}

describe.each([
  ['nothing but sh and tar', bare],
  ['find, sha256sum, mkdir and rm as well', full],
])('a workspace in a sandbox that has %s', (_name, programs) => {
  it('is captured without its secrets and restored as it was', async () => {
    const { sandbox, path, store } = await setUp(programs);
    writeTree(path, files);
    const { snapshot, scrubbed } = await captureWorkspace(store, sandbox, path);
    expect(scrubbed).toContainEqual({ path: '.env', action: 'dropped' });
    expect(scrubbed).toContainEqual({ path: '.npmrc', action: 'redacted' });
    const copy = join(sandbox.home, 'deep/er/copy');
    expect(await restoreWorkspace(store, sandbox, snapshot.id, copy)).toMatchObject({ how: 'full' });
    rmSync(join(path, '.env'));
    writeFileSync(join(path, '.npmrc'), 'registry=https://example.com\n\n');
    expect(fingerprint(copy)).toEqual(fingerprint(path));
    await store.close();
  });

  it('is not written over when it holds something else', async () => {
    const { sandbox, path, store } = await setUp(programs);
    writeTree(path, { 'a.txt': 'one' });
    const { snapshot } = await captureWorkspace(store, sandbox, path);
    writeTree(join(sandbox.home, 'other'), { 'mine.txt': 'mine' });
    const other = join(sandbox.home, 'other');
    await expect(restoreWorkspace(store, sandbox, snapshot.id, other)).rejects.toMatchObject({
      code: 'target_not_empty',
    });
    expect(readFileSync(join(other, 'mine.txt'), 'utf8')).toBe('mine');
    await store.close();
  });

  it('is an error of its own when there is none', async () => {
    const { sandbox, store } = await setUp(programs);
    await expect(captureWorkspace(store, sandbox, join(sandbox.home, 'no'))).rejects.toMatchObject({
      code: 'source_unreadable',
    });
    await store.close();
  });
});

describe('a workspace in a sandbox', () => {
  it('sends only what its parent does not hold', async () => {
    const { sandbox, path, store } = await setUp(full);
    writeTree(path, files);
    const first = await captureWorkspace(store, sandbox, path, { scrub: false });
    writeFileSync(join(path, 'a.txt'), 'changed');
    const second = await captureWorkspace(store, sandbox, path, { scrub: false, parent: first.snapshot.id });
    expect(second.filesMoved).toBe(1);
    const third = await captureWorkspace(store, sandbox, path, { scrub: false, parent: second.snapshot.id });
    expect([third.filesMoved, third.snapshot.tree]).toEqual([0, second.snapshot.tree]);
    await store.close();
  });

  it('gets no content of others by naming its digest', async () => {
    const { directory, sandbox, path, store } = await setUp(full);
    writeTree(join(directory, 'theirs'), { 'secret.txt': 'their secret' });
    await store.capture(join(directory, 'theirs'), { owner: 'them' });
    writeTree(path, { 'mine.txt': 'their secret' });
    const captured = await captureWorkspace(store, sandbox, path, { owner: 'me' });
    expect(captured.filesMoved).toBe(1);
    await store.close();
  });

  it('is restored a second time in one round trip, and a change in it is seen', async () => {
    const { sandbox, path, store } = await setUp(full);
    writeTree(path, files);
    const { snapshot } = await captureWorkspace(store, sandbox, path);
    const copy = join(sandbox.home, 'copy');
    count(sandbox);
    await restoreWorkspace(store, sandbox, snapshot.id, copy);
    expect(count(sandbox)).toEqual(['run', 'write', 'run']);
    expect(await restoreWorkspace(store, sandbox, snapshot.id, copy)).toMatchObject({ how: 'held', bytesSent: 0 });
    expect(count(sandbox)).toEqual(['run']);
    appendFileSync(join(copy, 'a.txt'), 'written to');
    await expect(restoreWorkspace(store, sandbox, snapshot.id, copy)).rejects.toMatchObject({
      code: 'target_not_empty',
    });
    await restoreWorkspace(store, sandbox, snapshot.id, copy, { replace: true });
    expect(readFileSync(join(copy, 'a.txt'), 'utf8')).toBe('one');
    await store.close();
  });

  it('gets only the changes when it holds an earlier snapshot', async () => {
    const { sandbox, path, store } = await setUp(full);
    writeTree(path, files);
    const first = await captureWorkspace(store, sandbox, path, { scrub: false });
    rmSync(join(path, 'empty.txt'));
    rmSync(join(path, 'bin'), { recursive: true });
    writeFileSync(join(path, 'bin'), 'a file now');
    rmSync(join(path, 'link'));
    mkdirSync(join(path, 'link'));
    writeFileSync(join(path, 'link/new.txt'), 'new');
    chmodSync(join(path, 'a.txt'), 0o600);
    const second = await captureWorkspace(store, sandbox, path, { scrub: false, parent: first.snapshot.id });
    const copy = join(sandbox.home, 'copy');
    await restoreWorkspace(store, sandbox, first.snapshot.id, copy);
    const delta = await restoreWorkspace(store, sandbox, second.snapshot.id, copy);
    expect(delta).toMatchObject({ how: 'delta' });
    expect(delta.bytesSent).toBeLessThan(100);
    expect(fingerprint(copy)).toEqual(fingerprint(path));
    await store.close();
  });

  it('is cloned from a template for an owner in one step', async () => {
    const { sandbox, path, store } = await setUp(full);
    writeTree(path, { 'a.txt': 'one' });
    const template = await captureWorkspace(store, sandbox, path);
    const copy = join(sandbox.home, 'copy');
    const { snapshot, how } = await cloneWorkspace(store, sandbox, template.snapshot.id, 'user-1', copy);
    expect([snapshot.owner, snapshot.parent, how]).toEqual(['user-1', template.snapshot.id, 'full']);
    expect(fingerprint(copy)).toEqual(fingerprint(path));
    await store.close();
  });

  it('leaves nothing behind in the sandbox', async () => {
    const { sandbox, path, store } = await setUp(full);
    writeTree(path, files);
    const before = readdirSync('/tmp').filter((name) => name.startsWith('.pilotlight-'));
    const { snapshot } = await captureWorkspace(store, sandbox, path);
    await restoreWorkspace(store, sandbox, snapshot.id, join(sandbox.home, 'copy'));
    expect(readdirSync('/tmp').filter((name) => name.startsWith('.pilotlight-'))).toEqual(before);
    expect(existsSync(path)).toBe(true);
    await store.close();
  });
});

describe('a workspace in a sandbox of the local host, through the unmodified e2b package', () => {
  it('is captured, restored elsewhere, and restored again in one round trip', { timeout: 60_000 }, async () => {
    const host = await startLocalHost();
    const directory = temporaryDirectory();
    const store = await openStore({ directory: join(directory, 'store'), threads: 0 });
    try {
      const origin = await Sandbox.create({ ...host.connectionOptions });
      const target = await Sandbox.create({ ...host.connectionOptions });
      const asPort: WorkspaceSandbox = target;
      await origin.commands.run(
        'mkdir -p work/deep && cd work && echo one > a.txt && ln -s a.txt link && chmod 750 deep',
      );
      await origin.commands.run('cd work && head -c 3000000 /dev/urandom > large.bin && echo SECRET=1 > .env');
      const { snapshot, scrubbed } = await captureWorkspace(store, origin, '/home/user/work');
      expect(scrubbed).toEqual([{ path: '.env', action: 'dropped' }]);
      const sums =
        'cd work && rm -f .env && find . | sort && sha256sum a.txt large.bin && stat -c %a deep && readlink link';
      await restoreWorkspace(store, asPort, snapshot.id, '/home/user/work');
      expect((await target.commands.run(sums)).stdout).toBe((await origin.commands.run(sums)).stdout);
      const fresh = await Sandbox.create({ ...host.connectionOptions });
      await restoreWorkspace(store, fresh, snapshot.id, '/home/user/work');
      expect(await restoreWorkspace(store, fresh, snapshot.id, '/home/user/work')).toMatchObject({ how: 'held' });
    } finally {
      await store.close();
      await host.close();
    }
  });
});
