import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { globSync } from 'tinyglobby';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, clientBytes, clientEntries } from './bundle.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dashboard = `${root}packages/warmer/dist/dashboard`;
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

/** True when nothing that is built is newer than its build, as after `npm run build`. */
function builtSinceTheLastChange(): boolean {
  const builds = [...folders.map((name) => `${root}packages/${name}/dist/index.js`), `${dashboard}/index.html`];
  if (!builds.every((path) => existsSync(path))) return false;
  const sources = ['packages/*/{src,dashboard}/**', 'packages/*/package.json', 'scripts/*', 'tsup.config.ts'];
  const changedAt = globSync(sources, { cwd: root, absolute: true, ignore: '**/*.test.*' });
  const times = (paths: readonly string[]) => paths.map((path) => statSync(path).mtimeMs);
  return Math.max(...times(changedAt)) < Math.min(...times(builds));
}

/** A copy is built, so that no other test sees a `dist` that is half written. */
async function builtCopy(copy: string): Promise<string> {
  for (const part of ['packages', 'scripts', 'package.json', 'tsconfig.json', 'tsup.config.ts']) {
    cpSync(join(root, part), join(copy, part), {
      recursive: true,
      filter: (source) => !/\/(node_modules|dist)$/.test(source),
    });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  await execa('npm', ['run', 'build'], { cwd: copy });
  return copy;
}

describe('the packages as npm would publish them', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-packed-'));
    const checkout = builtSinceTheLastChange() ? root : await builtCopy(join(folder, 'checkout'));
    for (const name of folders) {
      await execa('npm', ['pack', '--silent', '--pack-destination', folder], {
        cwd: join(checkout, 'packages', name),
      });
    }
    const tarballs = readdirSync(folder)
      .filter((name) => name.endsWith('.tgz'))
      .map((name) => join(folder, name));
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await execa(
      'npm',
      [
        'install',
        '--ignore-scripts',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        ...tarballs,
        'e2b@2.51.0',
        '@types/node@20',
      ],
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

  it.each(Object.entries(clientEntries))('%s bundles for a page in at most 20 kB', async (_entry, contents) => {
    const { gzipBytes, imports } = await bundle(contents, folder, ['browser', 'import']);
    expect(imports.filter((path) => !/^react(\/|$)/.test(path))).toEqual([]);
    expect(gzipBytes).toBeLessThanOrEqual(clientBytes);
  });

  /** What TypeScript says to these files without `skipLibCheck`, so that every declaration they reach is checked. */
  const compile = (...files: string[]) =>
    execa(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2022'],
        ...['--lib', 'es2023,dom,dom.iterable,esnext.disposable', '--types', 'node'],
        ...files,
      ],
      { cwd: folder, reject: false },
    );

  it('have types that check without skipLibCheck', async () => {
    writeFileSync(
      join(folder, 'types.mts'),
      entries.map((entry, index) => `import * as entry${index} from '${entry}';\nvoid entry${index};\n`).join(''),
    );
    const { stdout, exitCode } = await compile('types.mts', '--noEmit');
    // Only our own declarations: a dependency's errors are its own, unless ours name its types wrongly.
    const ours = stdout.split('\n').filter((line) => /^types\.mts|node_modules\/(@pilotlight|pilotlight)\//.test(line));
    expect({ ours, exitCode: ours.length === 0 ? 0 : exitCode }).toEqual({ ours: [], exitCode: 0 });
  });

  const imports = `import { startLocalHost } from '@pilotlight/local';
import { defineRuntime, Pilotlight } from '@pilotlight/sdk';
import { WarmingError } from '@pilotlight/warming';
import { Sandbox } from 'e2b';`;
  const work = `
  const host = await startLocalHost();
  const python = defineRuntime({ name: 'python', steps: [{ name: 'check', run: 'python3 --version' }] });
  const pilotlight = new Pilotlight({ ...host.connectionOptions, runtimes: [python] });
  const sandbox = await pilotlight.sandbox('python');
  console.log((await sandbox.commands.run('python3 -c "print(6 * 7)"')).stdout.trim(), sandbox instanceof Sandbox);
  try { await pilotlight.claim('other'); } catch (error) { console.log(error instanceof WarmingError, (error as WarmingError).code); }
  await pilotlight.close();
  await host.close();
`;
  const plainWork = work.replace('(error as WarmingError)', 'error');
  const required = imports.replaceAll(/import (.*) from (.*);/g, 'const $1 = require($2);');
  /** The quickstart as a newcomer may write it; the typed ones are compiled first. */
  const written = {
    'quickstart.mjs': `${imports}\n${plainWork}`,
    'quickstart.cjs': `${required}\n(async () => {${plainWork}})();`,
    'typed-quickstart.mts': `${imports}\n${work}`,
    'typed-quickstart.cts': `${imports}\n(async () => {${work}})();`,
  };
  const typed = Object.keys(written).filter((file) => file.endsWith('ts'));

  it('compile the quickstart in TypeScript, as ESM and as CommonJS, without skipLibCheck', async () => {
    for (const [file, text] of Object.entries(written)) writeFileSync(join(folder, file), text);
    const { stdout, exitCode } = await compile(...typed);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
  });

  // Other versions of Node than the one that runs the tests: PILOTLIGHT_NODES=/path/to/node:/path/to/another
  const nodes = ['node', ...(process.env.PILOTLIGHT_NODES ?? '').split(':').filter((path) => path !== '')];

  it.each(nodes.flatMap((node) => Object.keys(written).map((file) => ({ node, file }))))(
    'run the quickstart written as $file on $node, with errors of one class',
    async ({ node, file }) => {
      const { stdout } = await execa(node, [file.replace(/ts$/, 'js')], { cwd: folder, timeout: 60_000 });
      expect(stdout.trim().split('\n')).toEqual(['42 true', 'true unknown_runtime']);
    },
    60_000,
  );

  it.each(folders)('%s keeps the licences of what is built in', (name) => {
    const manifest = manifests[folders.indexOf(name)];
    const notices = join(folder, 'node_modules', manifest?.name ?? '', 'dist/THIRD-PARTY.txt');
    if (['sdk', 'warming'].includes(name)) expect(readFileSync(notices, 'utf8')).toContain('zod');
  });

  it('serve the local host by its command', async () => {
    const host = execa(join(folder, 'node_modules/.bin/pilotlight-local'), ['--port', '0', '--json'], {
      cwd: folder,
      reject: false,
    });
    const [line] = await once(host.stdout, 'data');
    expect(Object.keys(JSON.parse(String(line)) as object)).toEqual(['apiUrl', 'sandboxUrl', 'apiKey', 'isolation']);
    host.kill('SIGTERM');
    expect((await host).exitCode).toBe(0);
  });
});
