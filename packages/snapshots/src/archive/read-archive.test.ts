import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { isSnapshotError } from '../errors.js';
import { type ArchiveEntry, type ArchiveLimits, readArchive } from './read-archive.js';

type Item = Partial<Header> & { name: string; text?: string };

async function read(items: readonly Item[], limits?: ArchiveLimits): Promise<ArchiveEntry[]> {
  const archive = pack();
  for (const { text, ...header } of items) archive.entry(header, text ?? '');
  archive.finalize();
  return drain(Readable.from(archive), limits);
}

async function drain(source: Readable, limits?: ArchiveLimits): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for await (const entry of readArchive(source, limits)) entries.push(entry);
  return entries;
}

describe('an archive of any origin', () => {
  it('is refused when a name would leave the directory', async () => {
    for (const name of ['/etc/passwd', '../x', 'a/../../x', 'a/..']) {
      await expect(read([{ name, text: 'x' }])).rejects.toMatchObject({ code: 'path_unsafe' });
    }
  });

  it('is refused when something would be put below a link or a file', async () => {
    const link: Item = { name: 'a', type: 'symlink', linkname: '/etc' };
    await expect(read([link, { name: 'a/passwd', text: 'x' }])).rejects.toMatchObject({ code: 'path_unsafe' });
    await expect(
      read([
        { name: 'a', text: '1' },
        { name: 'a/b', text: 'x' },
      ]),
    ).rejects.toMatchObject({ code: 'path_unsafe' });
  });

  it('is refused when a name stands there twice or a link turns into a file', async () => {
    await expect(
      read([
        { name: 'a', text: '1' },
        { name: 'a', text: '2' },
      ]),
    ).rejects.toMatchObject({ code: 'path_unsafe' });
    const link: Item = { name: 'a', type: 'symlink', linkname: '/etc/passwd' };
    await expect(read([link, { name: './a', text: '2' }])).rejects.toMatchObject({ code: 'path_unsafe' });
  });

  it('is refused when a hard link points to what the archive does not hold', async () => {
    const hard: Item = { name: 'b', type: 'link', linkname: 'etc/passwd' };
    await expect(read([hard])).rejects.toMatchObject({ code: 'path_unsafe' });
    const [, same] = await read([
      { name: 'a', text: '1' },
      { ...hard, linkname: 'a' },
    ]);
    expect(same).toMatchObject({ kind: 'same', as: ['a'] });
  });

  it('is refused when it holds devices', async () => {
    await expect(read([{ name: 'sda', type: 'block-device' }])).rejects.toMatchObject({ code: 'archive_invalid' });
  });

  it('is read no further than the limits', async () => {
    const items = Array.from({ length: 20 }, (_, index) => ({ name: `f${index}`, text: 'x'.repeat(1000) }));
    await expect(read(items, { bytes: 5000 })).rejects.toMatchObject({ code: 'archive_too_large' });
    await expect(read(items, { entries: 10 })).rejects.toMatchObject({ code: 'archive_too_large' });
    await expect(read(items, { bytes: 20_000, entries: 20 })).resolves.toHaveLength(20);
  });

  it('is refused when it was cut', async () => {
    const archive = pack();
    archive.entry({ name: 'a' }, 'x'.repeat(5000));
    archive.finalize();
    const bytes = Buffer.concat(await Readable.from(archive).toArray());
    const source = new PassThrough();
    source.end(bytes.subarray(0, 2000));
    await expect(drain(source)).rejects.toMatchObject({ code: 'archive_invalid' });
  });

  it('gives a typed error for any bytes that are no tar', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), async (bytes) => {
        const source = new PassThrough();
        source.end(Buffer.from(bytes));
        await drain(source).catch((error: unknown) => expect(isSnapshotError(error)).toBe(true));
      }),
      { numRuns: 100 },
    );
  });
});
