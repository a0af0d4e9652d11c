import { FileNotFoundError, InvalidArgumentError, type Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useHost } from './support.js';

describe('files', () => {
  const at = useHost();
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await at.e2b.Sandbox.create({ timeoutMs: 600_000 });
  });
  afterAll(() => sandbox.kill());

  it('writes a file with its parents and reads it back in every form', async () => {
    const written = await sandbox.files.write('deep/down/file.txt', 'grüße');
    expect(written).toEqual({ path: '/home/user/deep/down/file.txt', name: 'file.txt', type: 'file' });
    expect(await sandbox.files.read('deep/down/file.txt')).toBe('grüße');
    expect(await sandbox.files.read('~/deep/down/file.txt', { format: 'bytes' })).toEqual(
      new TextEncoder().encode('grüße'),
    );
    expect((await sandbox.commands.run('stat -c "%a %U" deep deep/down/file.txt')).stdout).toBe('755 user\n644 user\n');
  });

  it('moves 8 MB up and down unchanged', async () => {
    const bytes = new Uint8Array(8_000_000).map((_, index) => (index * 31) % 251);
    await sandbox.files.write('large', bytes.buffer as ArrayBuffer);
    const back = await sandbox.files.read('large', { format: 'bytes' });
    expect(Buffer.compare(back, bytes)).toBe(0);
  });

  it('empties a file that is written with nothing', async () => {
    await sandbox.files.write('empty', 'something');
    await sandbox.files.write('empty', '');
    expect(await sandbox.files.read('empty')).toBe('');
  });

  it('describes files, directories and links', async () => {
    await sandbox.files.write('kinds/file', 'four');
    await sandbox.commands.run('ln -s file kinds/link');
    const entries = await sandbox.files.list('kinds');
    expect(entries.map(({ name, type, symlinkTarget }) => [name, type, symlinkTarget])).toEqual([
      ['file', 'file', undefined],
      ['link', 'file', '/home/user/kinds/file'],
    ]);
    const info = await sandbox.files.getInfo('kinds/file');
    expect(info).toMatchObject({ size: 4, mode: 0o644, permissions: '-rw-r--r--', owner: 'user', group: 'user' });
  });

  it('lists to the depth asked for, in order', async () => {
    await sandbox.files.write('tree/a/b/c', '');
    await sandbox.files.write('tree/d', '');
    const names = async (depth: number) =>
      (await sandbox.files.list('tree', { depth })).map((entry) => entry.path.slice('/home/user/tree/'.length));
    expect(await names(1)).toEqual(['a', 'd']);
    expect(await names(2)).toEqual(['a', 'a/b', 'd']);
    expect(await names(3)).toEqual(['a', 'a/b', 'a/b/c', 'd']);
  });

  it('renames, removes whole trees, and says what is not there', async () => {
    await sandbox.files.write('from/file', 'x');
    await sandbox.files.rename('from/file', 'to/new/file');
    expect(await sandbox.files.exists('from/file')).toBe(false);
    expect(await sandbox.files.read('to/new/file')).toBe('x');
    await sandbox.files.remove('to');
    await sandbox.files.remove('to');
    await expect(sandbox.files.read('to/new/file')).rejects.toThrow(FileNotFoundError);
    await expect(sandbox.files.list('to')).rejects.toThrow(FileNotFoundError);
    await expect(sandbox.files.rename('to', 'elsewhere')).rejects.toThrow(FileNotFoundError);
    await expect(sandbox.files.read('/tmp')).rejects.toThrow(InvalidArgumentError);
  });

  it('makes a directory once', async () => {
    expect(await sandbox.files.makeDir('made/deep')).toBe(true);
    expect(await sandbox.files.makeDir('made/deep')).toBe(false);
  });
});
