import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLocalHost } from '@pilotlight/local';
import {
  addPackToTemplate,
  buildPack,
  bundlePack,
  type LayerSource,
  specialise,
  streamedLayers,
  volumeLayers,
  WayTimes,
} from '@pilotlight/snapshots';
import { Sandbox, Template } from 'e2b';
import { describe, expect, it } from 'vitest';
import { shellSandbox } from './shell-sandbox.js';
import { temporaryDirectory, writeTree } from './support.js';

const programs = ['sh', 'tar', 'gzip', 'mkdir', 'rm', 'rmdir', 'mv', 'ln', 'readlink', 'sha256sum', 'cat'];

async function setUp() {
  const directory = temporaryDirectory();
  const sandbox = shellSandbox(directory, programs);
  const target = join(sandbox.home, 'app');
  writeTree(join(directory, 'modules'), { 'left/index.js': 'left', 'bin/tool': { mode: 0o755, text: 'tool' } });
  writeTree(join(directory, 'source'), { 'main.js': 'main' });
  const output = join(directory, 'pack');
  const { meta } = await buildPack({
    name: 'app',
    output,
    layers: [
      { kind: 'directory', name: 'modules', source: join(directory, 'modules'), target: `${target}/node_modules` },
      { kind: 'directory', name: 'source', source: join(directory, 'source'), target },
    ],
  });
  return { directory, sandbox, target, output, meta, bundleDirectory: join(sandbox.home, '.pilotlight') };
}

describe('specialising a generic sandbox', () => {
  it('is one command and a link when the pack is bundled', async () => {
    const { sandbox, target, output, meta, bundleDirectory } = await setUp();
    await bundlePack(sandbox, meta, streamedLayers(output), { bundleDirectory });
    expect(existsSync(target)).toBe(false);
    sandbox.calls.splice(0);
    const done = await specialise(sandbox, meta, { bundleDirectory });
    expect(sandbox.calls).toEqual(['run']);
    expect(done).toMatchObject({ key: meta.key, ways: ['bundled'], layersFetched: 0 });
    expect(lstatSync(join(target, 'node_modules')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(target, 'node_modules/left/index.js'), 'utf8')).toBe('left');
    expect(readFileSync(join(target, 'main.js'), 'utf8')).toBe('main');
    expect(await specialise(sandbox, meta, { bundleDirectory })).toMatchObject({ ways: ['bundled'] });
  });

  it('streams in only the layers that are missing', async () => {
    const { directory, sandbox, target, output, meta, bundleDirectory } = await setUp();
    await bundlePack(sandbox, { ...meta, layers: meta.layers.slice(0, 1) }, streamedLayers(output), {
      bundleDirectory,
    });
    const done = await specialise(sandbox, meta, { bundleDirectory, sources: [streamedLayers(output)] });
    expect(done).toMatchObject({ ways: ['streamed'], layersFetched: 1, bytesFetched: meta.layers[1]!.fileBytes });
    expect(readFileSync(join(target, 'main.js'), 'utf8')).toBe('main');
    expect(existsSync(join(directory, 'pack'))).toBe(true);
  });

  it('streams in a large layer in parts, none of which a client has to keep whole', async () => {
    const { directory, sandbox, bundleDirectory } = await setUp();
    const content = randomBytes(17_000_000);
    writeTree(join(directory, 'large'), { 'random.bin': content });
    const output = join(directory, 'large-pack');
    const target = join(sandbox.home, 'large');
    const layer = { kind: 'directory', name: 'large', source: join(directory, 'large'), target } as const;
    const { meta } = await buildPack({ name: 'large', output, layers: [layer] });
    await specialise(sandbox, meta, { bundleDirectory, sources: [streamedLayers(output)] });
    expect(sandbox.calls).toEqual(['run', 'write', 'write', 'run', 'run']);
    expect(readFileSync(join(target, 'random.bin')).equals(content)).toBe(true);
    expect(readdirSync(bundleDirectory)).toEqual(['layers']);
  });

  it('unpacks single image files of a volume', async () => {
    const { directory, sandbox, target, output, meta, bundleDirectory } = await setUp();
    const volume = join(directory, 'volume');
    mkdirSync(volume);
    for (const [position, layer] of meta.layers.entries()) {
      copyFileSync(join(output, `layers/${position}-${layer.name}.tar.gz`), join(volume, `${layer.digest}.tar.gz`));
    }
    const done = await specialise(sandbox, meta, { bundleDirectory, sources: [volumeLayers(volume)] });
    expect(done).toMatchObject({ ways: ['volume'], layersFetched: 2 });
    expect(readdirSync(bundleDirectory)).toEqual(['layers']);
    expect(readFileSync(join(target, 'node_modules/bin/tool'), 'utf8')).toBe('tool');
  });

  it('takes no layer that is not the one the pack names, and another way instead', async () => {
    const { directory, sandbox, target, output, meta, bundleDirectory } = await setUp();
    const volume = join(directory, 'volume');
    mkdirSync(volume);
    for (const layer of meta.layers) writeFileSync(join(volume, `${layer.digest}.tar.gz`), 'evil');
    const wrong = { bundleDirectory, sources: [volumeLayers(volume)] };
    await expect(specialise(sandbox, meta, wrong)).rejects.toMatchObject({ code: 'blob_corrupt' });
    expect([existsSync(target), readdirSync(bundleDirectory)]).toEqual([false, []]);
    const both = { bundleDirectory, sources: [volumeLayers(volume), streamedLayers(output)] };
    expect(await specialise(sandbox, meta, both)).toMatchObject({ ways: ['streamed'] });
    expect(readFileSync(join(target, 'main.js'), 'utf8')).toBe('main');
  });

  it('refuses a streamed layer that was changed on this machine', async () => {
    const { sandbox, output, meta, bundleDirectory } = await setUp();
    writeFileSync(join(output, 'layers/0-modules.tar.gz'), 'evil');
    const sources = [streamedLayers(output)];
    await expect(specialise(sandbox, meta, { bundleDirectory, sources })).rejects.toMatchObject({
      code: 'blob_corrupt',
    });
  });

  it('says so when a layer can be had in no way', async () => {
    const { sandbox, meta, bundleDirectory } = await setUp();
    await expect(specialise(sandbox, meta, { bundleDirectory })).rejects.toMatchObject({ code: 'blob_missing' });
  });

  it('writes over nothing that lies in a place of the pack', async () => {
    const { sandbox, target, output, meta, bundleDirectory } = await setUp();
    writeTree(target, { 'main.js': 'mine' });
    const sources = [streamedLayers(output)];
    await expect(specialise(sandbox, meta, { bundleDirectory, sources })).rejects.toMatchObject({
      code: 'target_not_empty',
    });
    expect(readFileSync(join(target, 'main.js'), 'utf8')).toBe('mine');
  });

  it('tries the way first that was measured to be faster', () => {
    const times = new WayTimes();
    const ways = (['volume', 'streamed'] as const).map((way): LayerSource => ({ way, fetch: async () => false }));
    expect(times.order(ways).map(({ way }) => way)).toEqual(['volume', 'streamed']);
    times.record('volume', 1000, 50);
    times.record('streamed', 1000, 10);
    expect(times.order(ways).map(({ way }) => way)).toEqual(['streamed', 'volume']);
    for (let round = 0; round < 10; round += 1) times.record('streamed', 1000, 500);
    expect(times.order(ways).map(({ way }) => way)).toEqual(['volume', 'streamed']);
  });

  it('can be prepared in a template of the e2b package', async () => {
    const { meta, directory, output } = await setUp();
    const template = addPackToTemplate(Template({ fileContextPath: directory }).fromTemplate('base'), {
      meta,
      directory: output.slice(directory.length + 1),
    });
    const text = await Template.toJSON(template, false);
    for (const layer of meta.layers) expect(text).toContain(`${layer.digest}.verified`);
    expect(text).toContain('pack/layers/0-modules.tar.gz');
  });
});

describe('specialising on the local host, through the unmodified e2b package', () => {
  it('links what a generic template holds', { timeout: 60_000 }, async () => {
    const directory = temporaryDirectory();
    writeTree(join(directory, 'modules'), { 'left/index.js': 'left' });
    const output = join(directory, 'pack');
    const { meta } = await buildPack({
      name: 'app',
      output,
      layers: [{ kind: 'directory', name: 'modules', source: join(directory, 'modules'), target: '/home/user/app' }],
    });
    const host = await startLocalHost();
    try {
      const builder = await Sandbox.create({ ...host.connectionOptions });
      await bundlePack(builder, meta, streamedLayers(output));
      const { snapshotId } = await builder.createSnapshot();
      const generic = await Sandbox.create(snapshotId, { ...host.connectionOptions });
      expect(await specialise(generic, meta)).toMatchObject({ ways: ['bundled'] });
      expect((await generic.commands.run('cat app/left/index.js')).stdout).toBe('left');
    } finally {
      await host.close();
    }
  });
});
