import { appendFileSync, chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, writeTree } from '../../../../test/snapshots/support.js';
import { readArchive } from '../archive/read-archive.js';
import { digestOf } from '../digest.js';
import { isSnapshotError } from '../errors.js';
import { buildPack, type LayerSpec } from './build.js';
import { diffPacks } from './diff.js';
import { inspectPack } from './inspect.js';
import { isPackKey, packKeyOf, parsePackMeta } from './pack-format.js';
import { verifyPack } from './verify.js';

const npmLock = (version: string) =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: {
      '': { name: 'app' },
      'node_modules/left': { version, resolved: 'https://example.com/left.tgz', integrity: 'sha512-abc' },
    },
  });

function setUp() {
  const work = temporaryDirectory();
  writeTree(join(work, 'base'), { 'bin/tool': { mode: 0o755, text: 'tool' }, 'bin/link': { link: 'tool' } });
  writeTree(join(work, 'source'), { 'main.js': 'console.log(1)', '.env': 'SECRET=1', 'empty/x': undefined });
  writeFileSync(join(work, 'package-lock.json'), npmLock('1.0.0'));
  const installs: string[] = [];
  const layers: LayerSpec[] = [
    { kind: 'directory', name: 'base', source: join(work, 'base'), target: '/opt/base' },
    {
      kind: 'dependencies',
      name: 'modules',
      lockFile: join(work, 'package-lock.json'),
      target: '/home/user/app/node_modules',
      install: async ({ directory, lock }) => {
        installs.push(lock.packages[0]!.version);
        writeTree(directory, { 'left/index.js': `version ${lock.packages[0]!.version}` });
      },
    },
    { kind: 'directory', name: 'source', source: join(work, 'source'), target: '/home/user/app' },
  ];
  return { work, layers, installs };
}

describe('a pack', () => {
  it('has the same bytes for the same input, whatever the times and owners', async () => {
    const { work, layers } = setUp();
    const first = await buildPack({ name: 'app', layers, output: join(work, 'one') });
    utimesSync(join(work, 'source/main.js'), 1, 1);
    const second = await buildPack({ name: 'app', layers, output: join(work, 'two') });
    expect(second.key).toBe(first.key);
    expect(isPackKey(first.key)).toBe(true);
    for (const file of ['meta.json', 'lock.json', 'layers/0-base.tar.gz', 'layers/2-source.tar.gz']) {
      expect(readFileSync(join(work, 'one', file))).toEqual(readFileSync(join(work, 'two', file)));
    }
    expect(await verifyPack(join(work, 'one'))).toMatchObject({ sound: true, key: first.key });
  });

  it('rebuilds a changed dependency layer and those above it, and no other', async () => {
    const { work, layers, installs } = setUp();
    const output = join(work, 'pack');
    const first = await buildPack({ name: 'app', layers, output });
    const same = await buildPack({ name: 'app', layers, output });
    writeFileSync(join(work, 'package-lock.json'), npmLock('1.0.1'));
    const changed = await buildPack({ name: 'app', layers, output });
    writeFileSync(join(work, 'source/main.js'), 'console.log(2)');
    const top = await buildPack({ name: 'app', layers, output });
    expect([first.reused, same.reused, changed.reused, top.reused]).toEqual([
      [],
      ['base', 'modules', 'source'],
      ['base'],
      ['base', 'modules'],
    ]);
    expect(installs).toEqual(['1.0.0', '1.0.1']);
    expect(same.key).toBe(first.key);
  });

  it('keeps secrets out and says so', async () => {
    const { work, layers } = setUp();
    const { scrubbed } = await buildPack({ name: 'app', layers, output: join(work, 'pack') });
    expect(scrubbed).toEqual([{ path: '.env', action: 'dropped' }]);
    const tar = readFileSync(join(work, 'pack/layers/2-source.tar.gz'));
    expect((await listNames(tar)).includes('home/user/app/.env')).toBe(false);
  });

  it('tells what changed between two packs', async () => {
    const { work, layers } = setUp();
    await buildPack({ name: 'app', layers, output: join(work, 'one') });
    writeFileSync(join(work, 'package-lock.json'), npmLock('2.0.0'));
    await buildPack({ name: 'app', layers: layers.slice(0, 2), output: join(work, 'two') });
    const diff = await diffPacks(join(work, 'one'), join(work, 'two'));
    expect(diff.same).toBe(false);
    expect(diff.layers.map(({ name, change }) => [name, change])).toEqual([
      ['base', 'same'],
      ['modules', 'changed'],
      ['source', 'removed'],
    ]);
    expect(diff.packages).toEqual([{ name: 'node_modules/left', before: '1.0.0', after: '2.0.0' }]);
  });

  it('is found out when a layer, a key or a promise was changed', async () => {
    const { work, layers } = setUp();
    const output = join(work, 'pack');
    await buildPack({ name: 'app', layers, output });
    const meta = readFileSync(join(output, 'meta.json'), 'utf8');
    const parsed = JSON.parse(meta) as { layers: { fileBytes: number; fileDigest: string; bytes: number }[] };
    appendFileSync(join(output, 'layers/0-base.tar.gz'), 'x');
    expect(await verifyPack(output)).toMatchObject({ sound: false, layers: [{ sound: false }, { sound: true }, {}] });

    const bomb = gzipSync(Buffer.alloc(50_000_000));
    writeFileSync(join(output, 'layers/0-base.tar.gz'), bomb);
    parsed.layers[0]!.fileBytes = bomb.length;
    parsed.layers[0]!.fileDigest = digestOf(bomb);
    writeFileSync(join(output, 'meta.json'), JSON.stringify(parsed));
    const { layers: verified } = await verifyPack(output);
    expect(verified[0]!.problem).toMatch(/unpacks to more than|another digest|0 entries/);

    writeFileSync(join(output, 'meta.json'), meta.replace(/sha256:./, 'sha256:g'));
    await expect(inspectPack(output)).rejects.toMatchObject({ code: 'pack_invalid' });
    writeFileSync(join(output, 'meta.json'), meta.replace('"name": "base"', '"name": "../base"'));
    await expect(inspectPack(output)).rejects.toMatchObject({ code: 'pack_invalid' });
    await expect(inspectPack(join(work, 'nothing'))).rejects.toMatchObject({ code: 'pack_invalid' });
  });

  it('names no place outside the root, and holds nothing outside the place it names', async () => {
    const { work, layers } = setUp();
    const output = join(work, 'pack');
    const { meta } = await buildPack({ name: 'app', layers, output });
    const text = readFileSync(join(output, 'meta.json'), 'utf8');
    const target = JSON.stringify(meta.layers[0]!.target);
    for (const path of ['../etc', '/etc', 'home/../../etc', './home', 'home/', 'a\0b']) {
      const changed = text.replace(`"target": ${target}`, `"target": ${JSON.stringify(path)}`);
      expect(() => parsePackMeta(changed)).toThrow(expect.objectContaining({ code: 'pack_invalid' }));
    }
    writeFileSync(join(output, 'meta.json'), text.replace(`"target": ${target}`, '"target": "elsewhere"'));
    const { sound, layers: verified } = await verifyPack(output);
    expect([sound, verified[0]!.problem]).toEqual([false, expect.stringContaining('outside its target elsewhere')]);
  });

  it('is not begun with wrong options, and a failed build leaves the earlier pack', async () => {
    const { work, layers } = setUp();
    const output = join(work, 'pack');
    const { key } = await buildPack({ name: 'app', layers, output });
    await expect(buildPack({ name: 'No', layers, output })).rejects.toMatchObject({ code: 'invalid_option' });
    await expect(buildPack({ name: 'app', layers: [], output })).rejects.toMatchObject({ code: 'invalid_option' });
    writeFileSync(join(work, 'package-lock.json'), '{');
    await expect(buildPack({ name: 'app', layers, output })).rejects.toMatchObject({ code: 'lock_file_invalid' });
    const outside = { kind: 'directory', name: 'x', source: join(work, 'base'), target: '../etc' } as const;
    await expect(buildPack({ name: 'app', layers: [outside], output })).rejects.toMatchObject({ code: 'path_unsafe' });
    expect((await inspectPack(output)).meta.key).toBe(key);
    chmodSync(output, 0o755);
  });

  it('has a key that depends on the layers and their order only', () => {
    const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
    fc.assert(
      fc.property(fc.uniqueArray(digest, { minLength: 2, maxLength: 5 }), (digests) => {
        expect(isPackKey(packKeyOf(digests))).toBe(true);
        expect(packKeyOf(digests)).not.toBe(packKeyOf([...digests].reverse()));
      }),
    );
  });

  it('reads any manifest or refuses it with a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parsePackMeta(text);
        } catch (error) {
          expect(isSnapshotError(error) && error.code).toBe('pack_invalid');
        }
      }),
    );
  });
});

async function listNames(gzipped: Buffer): Promise<string[]> {
  const source = new PassThrough();
  source.end(gzipped);
  const names: string[] = [];
  for await (const entry of readArchive(source.pipe(createGunzip()))) names.push(entry.names.join('/'));
  return names;
}
