import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folders = ['local', 'warming', 'snapshots', 'memory', 'sdk', 'warmer'];

interface Manifest {
  name: string;
  exports: Record<string, unknown>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

const manifests = folders.map(
  (folder) => JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, 'utf8')) as Manifest,
);

/** Entry points an application can load without an optional peer. */
const entries = manifests.flatMap((manifest) =>
  Object.keys(manifest.exports)
    .filter((path) => path === '.')
    .map((path) => manifest.name + path.slice(1)),
);

describe('the packages as npm would publish them', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-packed-'));
    // A copy is built, so that no other test sees a `dist` that is half written.
    const copy = join(folder, 'checkout');
    for (const part of ['packages', 'scripts', 'package.json', 'tsconfig.json', 'tsup.config.ts']) {
      cpSync(join(root, part), join(copy, part), {
        recursive: true,
        filter: (source) => !/\/(node_modules|dist)$/.test(source),
      });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    await execa('npm', ['run', 'build'], { cwd: copy });
    for (const name of folders) {
      await execa('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(copy, 'packages', name) });
    }
    const tarballs = readdirSync(folder)
      .filter((name) => name.endsWith('.tgz'))
      .map((name) => join(folder, name));
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await execa(
      'npm',
      ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs, 'e2b@2.51.0'],
      { cwd: folder },
    );
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(entries)('%s loads with import', async (entry) => {
    const { stdout } = await execa(
      'node',
      ['--input-type=module', '-e', `console.log(typeof (await import('${entry}')))`],
      { cwd: folder },
    );
    expect(stdout).toBe('object');
  });

  it.each(entries)('%s loads with require', async (entry) => {
    const { stdout } = await execa('node', ['-e', `console.log(typeof require('${entry}'))`], { cwd: folder });
    expect(stdout).toBe('object');
  });

  it('serve the local host by its command', async () => {
    const host = execa(join(folder, 'node_modules/.bin/pilotlight-local'), ['--port', '0', '--json'], {
      cwd: folder,
      reject: false,
    });
    for await (const line of host) {
      expect(Object.keys(JSON.parse(line) as object)).toEqual(['apiUrl', 'sandboxUrl', 'apiKey', 'isolation']);
      break;
    }
    host.kill('SIGTERM');
    expect((await host).exitCode).toBe(0);
  });
});
