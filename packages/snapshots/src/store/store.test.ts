import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { fakeClock, fingerprint, temporaryDirectory, writeTree } from '../../../../test/snapshots/support.js';
import { digestOf } from '../digest.js';
import { openStore, type Store, type StoreOptions } from './store.js';

async function setUp(options: Partial<StoreOptions> = {}): Promise<{ store: Store; work: string; root: string }> {
  const work = temporaryDirectory();
  const root = join(work, 'tree');
  mkdirSync(root);
  return { store: await openStore({ directory: join(work, 'store'), threads: 0, ...options }), work, root };
}

const everything = {
  'a.txt': 'one',
  'empty.txt': '',
  'bin/run.sh': { mode: 0o755, text: '#!/bin/sh\n' },
  'read-only.txt': { mode: 0o400, text: 'mine' },
  'empty/deep': undefined,
  'grüße 🌍/\u202Eodd\nname': 'unicode',
  '-rf *': 'dash',
  'to-a': { link: 'a.txt' },
  dangling: { link: '/nowhere/at/all' },
  'large.bin': Buffer.alloc(20_000, 'abcdefg'),
};

describe('a store', () => {
  it('restores modes, links, empty directories and odd names exactly', async () => {
    const { store, work, root } = await setUp({ chunkBytes: 4096 });
    writeTree(root, everything);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe, 0x61])]), 'no UTF-8');
    chmodSync(join(root, 'empty'), 0o555);
    chmodSync(root, 0o750);
    const { snapshot, skipped } = await store.capture(root);
    await store.restore(snapshot.id, join(work, 'copy'));
    expect(skipped).toEqual([]);
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    chmodSync(join(root, 'empty'), 0o755);
    chmodSync(join(work, 'copy', 'empty'), 0o755);
    await store.close();
  });

  it('does the same in threads', async () => {
    const { store, work, root } = await setUp({ threads: 2, chunkBytes: 4096 });
    writeTree(root, everything);
    for (let index = 0; index < 600; index += 1) writeFileSync(join(root, `file-${index}`), `content ${index % 50}`);
    const { snapshot } = await store.capture(root);
    await store.restore(snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    await store.close();
  });

  it('reads nothing again when nothing changed, also in a later process', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a.txt': 'one', 'b/c.txt': 'two' });
    makeOld(root, ['a.txt', 'b/c.txt']);
    const first = await store.capture(root);
    await vi.waitFor(async () => expect((await store.capture(root)).filesRead).toBe(0));
    await store.close();
    const later = await openStore({ directory: join(work, 'store'), threads: 0 });
    const third = await later.capture(root);
    expect(first.filesRead).toBe(2);
    expect(third.snapshot.tree).toBe(first.snapshot.tree);
    expect(third.written).toEqual({ blobs: 0, bytes: 0 });
    expect(third.filesRead).toBe(0);
    await later.close();
  });

  it('moves a small part of a large file after a small edit', async () => {
    const { store, root } = await setUp({ chunkBytes: 4096 });
    const content = Buffer.alloc(400_000);
    for (let index = 0; index < content.length; index += 1) content[index] = (index * 7919) >> (index % 8);
    writeFileSync(join(root, 'large.bin'), content);
    await store.capture(root);
    content[200_000] = content[200_000]! ^ 1;
    writeFileSync(join(root, 'large.bin'), content);
    const { written } = await store.capture(root);
    expect(written.bytes).toBeLessThan(20_000);
    await store.close();
  });

  it('looks only at the paths that are named', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a/one.txt': '1', 'a/two.txt': '2', 'b/three.txt': '3' });
    const before = await store.capture(root);
    writeFileSync(join(root, 'a/one.txt'), 'changed');
    writeFileSync(join(root, 'b/new.txt'), 'new');
    rmSync(join(root, 'a/two.txt'));
    const after = await store.capture(root, {
      changed: ['a/one.txt', 'a/two.txt', 'b/new.txt'],
      parent: before.snapshot.id,
    });
    expect(after.filesRead).toBe(2);
    await store.restore(after.snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    expect(store.ancestry(after.snapshot.id).map(({ id }) => id)).toEqual([after.snapshot.id, before.snapshot.id]);
    await store.close();
  });

  it('keeps identical content once', async () => {
    const { store, root } = await setUp();
    for (let index = 0; index < 10; index += 1) writeFileSync(join(root, `copy-${index}`), Buffer.alloc(5000, 'x'));
    const { written } = await store.capture(root);
    expect(written.bytes).toBeLessThan(8000);
    await store.close();
  });

  it('clones by writing one record, and the clone restores to the same bytes', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, everything);
    const { snapshot } = await store.capture(root, { owner: 'host' });
    const before = countFiles(join(work, 'store'), 'snapshots');
    const segments = countFiles(join(work, 'store'), 'segments');
    const clone = await store.clone(snapshot.id, 'user-1');
    expect(countFiles(join(work, 'store'), 'snapshots') - before).toBe(1);
    expect(countFiles(join(work, 'store'), 'segments')).toBe(segments);
    expect(clone).toMatchObject({ tree: snapshot.tree, parent: snapshot.id, owner: 'user-1' });
    await store.drop(snapshot.id);
    await store.collect({ graceMs: 0 });
    await store.restore(clone.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    await store.close();
  });

  it('lets an owner change its clone without changing the origin', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a.txt': 'one' });
    const { snapshot } = await store.capture(root);
    const clone = await store.clone(snapshot.id, 'user-1');
    const view = store.forOwner('user-1');
    await view.restore(clone.id, join(work, 'mine'));
    writeFileSync(join(work, 'mine', 'a.txt'), 'mine now');
    const changed = await view.capture(join(work, 'mine'), { parent: clone.id });
    await store.restore(snapshot.id, join(work, 'origin'));
    expect(fingerprint(join(work, 'origin'))).toEqual(fingerprint(root));
    expect(changed.snapshot.owner).toBe('user-1');
    await store.close();
  });

  it('does not let an owner read a digest that it was never granted', async () => {
    const { store, root } = await setUp();
    writeTree(root, { 'secret.txt': 'of user-1' });
    const { snapshot } = await store.capture(root, { owner: 'user-1' });
    const digest = digestOf('of user-1');
    expect(store.forOwner('user-1').readBlob(snapshot.id, digest).toString()).toBe('of user-1');
    const stranger = store.forOwner('user-2');
    expect(() => stranger.readBlob(snapshot.id, digest)).toThrow(expect.objectContaining({ code: 'snapshot_denied' }));
    writeTree(root, { 'other.txt': 'mine' });
    rmSync(join(root, 'secret.txt'));
    const own = await stranger.capture(root);
    expect(() => stranger.readBlob(own.snapshot.id, digest)).toThrow(
      expect.objectContaining({ code: 'snapshot_denied' }),
    );
    await expect(stranger.restore(snapshot.id, join(root, 'x'))).rejects.toMatchObject({ code: 'snapshot_denied' });
    await expect(stranger.capture(root, { parent: snapshot.id })).rejects.toMatchObject({ code: 'snapshot_denied' });
    await store.close();
  });

  it('collects what no snapshot needs and keeps everything else', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a.txt': 'kept', 'b.txt': 'dropped with the first' });
    const first = await store.capture(root);
    rmSync(join(root, 'b.txt'));
    const second = await store.capture(root, { parent: first.snapshot.id });
    await store.drop(first.snapshot.id);
    const report = await store.collect({ graceMs: 0, wasteShare: 0 });
    expect(report.removedBlobs).toBeGreaterThan(0);
    expect(store.hasBlob(digestOf('dropped with the first'))).toBe(false);
    await store.restore(second.snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    expect((await store.verify()).sound).toBe(true);
    await store.close();
  });

  it('keeps blobs without a snapshot for the grace time', async () => {
    const clock = fakeClock(Date.now());
    const { store } = await setUp({ clock });
    const digest = await store.putBlob(Buffer.from('not in a snapshot yet'));
    await store.collect({ graceMs: 60_000 });
    expect(store.hasBlob(digest)).toBe(true);
    clock.advance(120_000);
    await store.collect({ graceMs: 60_000 });
    expect(store.hasBlob(digest)).toBe(false);
    await store.close();
  });

  it('writes a blob once however many ask for it at the same time', async () => {
    const { store, work } = await setUp();
    const bytes = Buffer.from('wanted by many');
    const digests = await Promise.all(Array.from({ length: 20 }, () => store.putBlob(bytes)));
    expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]));
    expect(countFiles(join(work, 'store'), 'segments')).toBe(1);
    await store.close();
  });

  it('finds blobs that a sweep of another process has moved', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a.txt': 'kept' });
    const { snapshot } = await store.capture(root);
    writeTree(root, { 'b.txt': 'more' });
    const second = await store.capture(root);
    const other = await openStore({ directory: join(work, 'store'), threads: 0 });
    await other.drop(snapshot.id);
    await other.collect({ graceMs: 0, wasteShare: 0 });
    await store.restore(second.snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    await other.close();
    await store.close();
  });

  it('captures anew what a sweep removed between two captures', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a.txt': 'one' });
    makeOld(root, ['a.txt']);
    const first = await store.capture(root);
    await store.capture(root);
    for (const id of store.list()) await store.drop(id);
    await store.collect({ graceMs: 0 });
    const again = await store.capture(root);
    expect(again.snapshot.tree).toBe(first.snapshot.tree);
    await store.restore(again.snapshot.id, join(work, 'copy'));
    expect((await store.verify()).sound).toBe(true);
    await store.close();
  });

  it('merges many small segments', async () => {
    const { store, work } = await setUp();
    const root = join(work, 'tree');
    for (let index = 0; index < 20; index += 1) {
      writeFileSync(join(root, `file-${index}`), `content ${index}`);
      await store.capture(root);
    }
    expect(countFiles(join(work, 'store'), 'segments')).toBeGreaterThanOrEqual(20);
    await store.collect({ graceMs: 0 });
    expect(countFiles(join(work, 'store'), 'segments')).toBe(1);
    expect((await store.verify()).sound).toBe(true);
    await store.close();
  });

  it('reports sockets and pipes as skipped', async () => {
    const { store, root } = await setUp();
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const { skipped } = await store.capture(root);
    expect(skipped).toEqual([{ path: 'pipe', reason: 'special' }]);
    await store.close();
  });

  it('notices a change that keeps size and modification time', async () => {
    const { store, root } = await setUp();
    writeTree(root, { 'a.txt': 'one' });
    makeOld(root, ['a.txt']);
    const first = await store.capture(root);
    writeFileSync(join(root, 'a.txt'), 'two');
    makeOld(root, ['a.txt']);
    const second = await store.capture(root);
    expect(second.snapshot.tree).not.toBe(first.snapshot.tree);
    await store.close();
  });

  it('is the same store after its directory was moved', async () => {
    const { store, work, root } = await setUp();
    writeTree(root, { 'a.txt': 'one' });
    const { snapshot } = await store.capture(root);
    await store.close();
    renameSync(join(work, 'store'), join(work, 'moved'));
    const moved = await openStore({ directory: join(work, 'moved'), threads: 0 });
    await moved.restore(snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    await moved.close();
  });

  it('leaves no temporary file and no thread behind', async () => {
    const { store, work, root } = await setUp({ threads: 1 });
    writeTree(root, everything);
    await store.capture(root);
    await store.close();
    await store.close();
    expect(readdirSync(join(work, 'store', 'store-v1', 'temporary'))).toEqual([]);
    await expect(store.capture(root)).rejects.toMatchObject({ code: 'closed' });
  });
});

function makeOld(root: string, names: readonly string[]): void {
  for (const name of names) utimesSync(join(root, name), 1000, 1000);
}

function countFiles(directory: string, part: string): number {
  return readdirSync(join(directory, 'store-v1', part), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;
}
