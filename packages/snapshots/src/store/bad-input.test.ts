import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { fingerprint, temporaryDirectory, writeTree } from '../../../../test/snapshots/support.js';
import { isSnapshotError } from '../errors.js';
import { splitSafePath } from '../paths.js';
import { segmentHead } from './segment-format.js';
import { openStore, type Store } from './store.js';
import { decodeTree, encodeTree, type TreeEntry } from './tree.js';

async function setUp(): Promise<{ store: Store; work: string; root: string; segments: () => string[] }> {
  const work = temporaryDirectory();
  const root = join(work, 'tree');
  writeTree(root, { 'a.txt': 'a'.repeat(5000), 'b/c.txt': 'c'.repeat(5000) });
  const directory = join(work, 'store', 'store-v1', 'segments', 'sha256');
  return {
    store: await openStore({ directory: join(work, 'store'), threads: 0 }),
    work,
    root,
    segments: () => readdirSync(directory).map((name) => join(directory, name)),
  };
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = bytes[at]! ^ 0xff;
  writeFileSync(path, bytes);
}

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('A disk that fills is NOT tested: only root can mount the small one that is needed.');

describe('bad input', () => {
  it('restores no byte of a blob that was changed on disk, and leaves nothing at the target', async () => {
    const { store, work, root, segments } = await setUp();
    const { snapshot } = await store.capture(root);
    for (const path of segments()) flip(path, segmentHead.length + 100);
    await expect(store.restore(snapshot.id, join(work, 'copy'))).rejects.toMatchObject({ code: 'blob_corrupt' });
    expect(existsSync(join(work, 'copy'))).toBe(false);
    expect(readdirSync(work).sort()).toEqual(['store', 'tree']);
    expect(await store.verify()).toMatchObject({ sound: false });
    await store.close();
  });

  it('refuses a segment that was cut, and says what is missing', async () => {
    const { store, work, root, segments } = await setUp();
    const { snapshot } = await store.capture(root);
    await store.close();
    for (const path of segments()) truncateSync(path, 60);
    const again = await openStore({ directory: join(work, 'store'), threads: 0 });
    await expect(again.restore(snapshot.id, join(work, 'copy'))).rejects.toMatchObject({ code: 'blob_missing' });
    const report = await again.verify();
    expect(report.damagedSegments).toHaveLength(2);
    expect(report.incompleteSnapshots).toHaveLength(1);
    await again.close();
  });

  it('captures damaged content anew', async () => {
    const { store, work, root, segments } = await setUp();
    await vi.waitFor(async () => expect((await store.capture(root)).filesRead).toBe(0));
    await store.close();
    for (const path of segments()) truncateSync(path, 60);
    const again = await openStore({ directory: join(work, 'store'), threads: 0 });
    const { snapshot } = await again.capture(root);
    await again.restore(snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    await again.close();
  });

  it('refuses a record that was changed', async () => {
    const { store, work, root } = await setUp();
    const { snapshot } = await store.capture(root, { owner: 'user-1' });
    const path = join(work, 'store', 'store-v1', 'snapshots', 'sha256', snapshot.id.slice(0, 2), `${snapshot.id}.json`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('user-1', 'user-2'));
    expect(() => store.snapshot(snapshot.id)).toThrow(expect.objectContaining({ code: 'blob_corrupt' }));
    expect(() => store.forOwner('user-2').snapshot(snapshot.id)).toThrow();
    await store.close();
  });

  it('does not write into a directory that holds something, nor through a link', async () => {
    const { store, work, root } = await setUp();
    const { snapshot } = await store.capture(root);
    writeTree(join(work, 'full'), { x: '1' });
    mkdirSync(join(work, 'elsewhere'));
    symlinkSync(join(work, 'elsewhere'), join(work, 'link'));
    await expect(store.restore(snapshot.id, join(work, 'full'))).rejects.toMatchObject({ code: 'target_not_empty' });
    await expect(store.restore(snapshot.id, join(work, 'link'))).rejects.toMatchObject({ code: 'target_not_empty' });
    expect(readdirSync(join(work, 'elsewhere'))).toEqual([]);
    await store.close();
  });

  it('answers unknown snapshots, unknown digests and missing directories with typed errors', async () => {
    const { store, work } = await setUp();
    await expect(store.restore('0'.repeat(64), join(work, 'x'))).rejects.toMatchObject({ code: 'snapshot_unknown' });
    await expect(store.restore('../../etc', join(work, 'x'))).rejects.toMatchObject({ code: 'snapshot_unknown' });
    expect(() => store.readBlob('0'.repeat(64))).toThrow(expect.objectContaining({ code: 'blob_missing' }));
    await expect(store.capture(join(work, 'nothing'))).rejects.toMatchObject({ code: 'source_unreadable' });
    await expect(store.capture(join(work, 'tree/a.txt'))).rejects.toMatchObject({ code: 'source_unreadable' });
    await expect(store.capture(join(work, 'tree'), { changed: ['../x'] })).resolves.toBeDefined();
    await expect(store.capture(join(work, 'tree'), { changed: ['../x'] })).rejects.toMatchObject({
      code: 'path_unsafe',
    });
    await expect(openStore({ directory: '' })).rejects.toMatchObject({ code: 'invalid_option' });
    await store.close();
  });

  it('stops at the signal and keeps nothing', async () => {
    const { store, work, root } = await setUp();
    await expect(store.capture(root, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    expect(store.list()).toEqual([]);
    const { snapshot } = await store.capture(root);
    await expect(store.restore(snapshot.id, join(work, 'copy'), { signal: AbortSignal.abort() })).rejects.toMatchObject(
      { code: 'cancelled' },
    );
    expect(existsSync(join(work, 'copy'))).toBe(false);
    await store.close();
  });

  it.runIf(isRoot)('a disk that fills in mid-write is an error of its own; nothing is kept', async () => {
    const work = temporaryDirectory();
    const disk = join(work, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const root = join(work, 'tree');
      for (let index = 0; index < 40; index += 1) {
        writeTree(root, { [`file-${index}`]: Buffer.alloc(100_000, `${index} `) });
      }
      for (const threads of [0, 1]) {
        const store = await openStore({ directory: join(disk, 'store'), threads });
        await expect(store.capture(root)).rejects.toMatchObject({ code: 'disk_full' });
        await expect(store.putBlob(Buffer.alloc(4_000_000))).rejects.toMatchObject({ code: 'disk_full' });
        expect(store.list()).toEqual([]);
        const small = join(work, `small-${threads}`);
        writeTree(small, { 'a.txt': 'fits' });
        const { snapshot } = await store.capture(small);
        await expect(store.restore(snapshot.id, join(work, `copy-${threads}`))).resolves.toMatchObject({ files: 1 });
        expect((await store.verify()).sound).toBe(true);
        await store.drop(snapshot.id);
        await store.close();
      }
      const elsewhere = await openStore({ directory: join(work, 'store'), threads: 0 });
      const { snapshot } = await elsewhere.capture(root);
      await expect(elsewhere.restore(snapshot.id, join(disk, 'copy'))).rejects.toMatchObject({ code: 'disk_full' });
      expect(existsSync(join(disk, 'copy'))).toBe(false);
      await elsewhere.close();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it('never reads a tree object that names a path outside its directory', () => {
    for (const name of ['..', '.', '', 'a/b', '/etc', 'a\0b', 'x'.repeat(300)]) {
      const bytes = encodeTree([{ kind: 'file', name, mode: 0o644, size: 0, digest: '0'.repeat(64) }]);
      expect(() => decodeTree(bytes)).toThrow(expect.objectContaining({ code: 'path_unsafe' }));
    }
    const twice = { kind: 'link', name: 'a', target: '/etc' } as const;
    const file = { kind: 'file', name: 'a', mode: 0o644, size: 0, digest: '0'.repeat(64) } as const;
    expect(() => decodeTree(encodeTree([twice, file]))).toThrow(expect.objectContaining({ code: 'tree_invalid' }));
  });

  it('reads every tree back as it was written, and any other bytes with a typed error', () => {
    const name = fc
      .oneof(
        fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
      )
      .map((value) => (typeof value === 'string' ? value : Buffer.from(value)))
      .filter((value) => !/[/\0]/.test(value.toString('latin1' as never)) && !['.', '..'].includes(String(value)));
    const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
    const entry: fc.Arbitrary<TreeEntry> = fc.oneof(
      fc.record({ kind: fc.constant('file' as const), name, mode: fc.nat(0o7777), size: fc.nat(), digest }),
      fc.record({ kind: fc.constant('directory' as const), name, mode: fc.nat(0o7777), digest }),
      fc.record({ kind: fc.constant('link' as const), name, target: name }),
    );
    const entries = fc.uniqueArray(entry, { selector: ({ name }) => Buffer.from(name as string).toString('hex') });
    fc.assert(
      fc.property(entries, (list) => {
        const bytes = encodeTree(list);
        expect(encodeTree(decodeTree(bytes))).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          try {
            decodeTree(bytes);
          } catch (error) {
            expect(isSnapshotError(error)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('splits no path that could leave its directory', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('..', '.', 'a', '', 'b c', '\0'), { maxLength: 6 }), (names) => {
        const path = names.join('/');
        try {
          expect(splitSafePath(path).every((name) => !['', '.', '..'].includes(name))).toBe(true);
        } catch (error) {
          expect(isSnapshotError(error) && error.code).toBe('path_unsafe');
        }
      }),
    );
  });
});
