import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descendantsOf, isAlive } from '../support/processes.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const env = { PATH: process.env.PATH };

describe('npm start', () => {
  it('serves the dashboard and its API without a token, and leaves nothing behind when it is stopped', async () => {
    const npm = spawn('npm', ['start', '--silent', '--', '--json', '--port', '0'], {
      cwd: root,
      env: { ...env, HOME: tmpdir() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: npm.stdout }).on('line', (line) => {
        if (line.startsWith('{')) resolve((JSON.parse(line) as { url: string }).url);
      });
      npm.once('exit', (code) => reject(new Error(`npm start ended with ${code}`)));
    });
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect((await fetch(`${url}/v1/pools`)).status).toBe(200);
    const processes = descendantsOf(npm.pid!);
    expect(processes.length).toBeGreaterThan(0);
    const ended = new Promise((resolve) => npm.once('exit', resolve));
    npm.kill('SIGTERM');
    await ended;
    await expect.poll(() => processes.filter(isAlive), { timeout: 20_000 }).toEqual([]);
  }, 120_000);
});

describe('pilotlight pack', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-pack-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('builds, inspects and verifies a pack, and says by its exit code when a word is wrong', () => {
    const pack = (...words: string[]) =>
      spawnSync(process.execPath, [join(root, 'packages/warmer/bin/pilotlight.mjs'), 'pack', ...words], {
        cwd: root,
        env,
        encoding: 'utf8',
      });
    mkdirSync(join(folder, 'tools'));
    writeFileSync(join(folder, 'tools', 'hello.txt'), 'hello');
    const layers = [{ kind: 'directory', name: 'tools', source: 'tools', target: '/opt/tools' }];
    writeFileSync(join(folder, 'pack.json'), JSON.stringify({ name: 'tools', output: 'built', layers }));
    const built = pack('build', join(folder, 'pack.json'));
    expect([built.status, built.stderr]).toEqual([0, '']);
    expect(built.stdout).toMatch(/^runtime-pack:v1:sha256:[0-9a-f]{64}/);
    expect(pack('verify', join(folder, 'built')).status).toBe(0);
    const inspected = pack('inspect', join(folder, 'built'), '--json');
    expect(JSON.stringify(JSON.parse(inspected.stdout))).toContain('tools');
    expect(pack('nonsense').status).toBe(2);
  }, 60_000);
});
