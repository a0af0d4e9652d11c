import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import getPort from 'get-port';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const commands = {
  'pilotlight-local': 'packages/local/bin/pilotlight-local.mjs',
  pilotlight: 'packages/warmer/bin/pilotlight.mjs',
  'pilotlight-pack': 'packages/snapshots/bin/pilotlight-pack.mjs',
};
/** What the root's own commands start with. */
const started = {
  'npm run example': 'examples/run.mjs',
  'npm start': 'scripts/start.mjs',
  'npm run': 'scripts/source.mjs',
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-surroundings-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A command as a person has it who set nothing up: no key, no configuration, an empty folder. */
const run = (
  file: string,
  given: readonly string[] = [],
  environment: Record<string, string> = {},
  node: string[] = [],
) =>
  execa('node', [...node, join(root, file), ...given], {
    cwd: folder,
    env: { E2B_API_KEY: '', PILOTLIGHT_TEST: undefined, TMPDIR: folder, XDG_RUNTIME_DIR: folder, ...environment },
    reject: false,
    timeout: 25_000,
    // A process group of its own, as a terminal gives one to each command.
    detached: true,
  });

/** Of a command that runs. */
function pidOf({ pid }: { pid?: number | undefined }): number {
  if (pid === undefined) throw new Error('The command did not start.');
  return pid;
}

describe('every command says in one line', () => {
  // Older ones are not at hand everywhere, and what a command sees of its Node is the version it states.
  const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.0' } })`;

  it.each(Object.entries({ ...commands, ...started }))('%s: that this Node is too old', async (_name, file) => {
    const { stdout, stderr, exitCode } = await run(file, [], {}, ['--import', older]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toMatch(/^\S+ needs Node 20\.18\.1 or later; this is 20\.18\.0\. Install a later one: \S+$/);
  });

  it.each(['examples/run.mjs', 'scripts/source.mjs'])('%s: that nothing is installed', async (file) => {
    for (const part of ['examples', 'scripts']) cpSync(join(root, part), join(folder, part), { recursive: true });
    const { stderr, exitCode } = await execa('node', [join(folder, file), 'quickstart'], { reject: false });
    expect({ stderr, exitCode }).toEqual({ stderr: 'Nothing is installed yet. Run "npm ci" first.', exitCode: 1 });
  });

  it('pilotlight serve: that there is no token, and how to make one', async () => {
    const { stderr, exitCode } = await run(commands.pilotlight, ['serve']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^There is no token.*pilotlight token/);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  it('pilotlight dev: that its Redis does not answer', async () => {
    const url = `redis://127.0.0.1:${await getPort()}`;
    const { stderr, exitCode } = await run(commands.pilotlight, [
      'dev',
      '--port=0',
      `--set=store.kind=redis,store.url=${url},sealKey=${'0'.repeat(64)}`,
    ]);
    expect(exitCode).toBe(1);
    expect(stderr.split('\n').at(-1)).toMatch(/^Redis cannot be reached. Start it/);
  });

  it('pilotlight and pilotlight-local: that their port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(other.listening).toBe(true));
    const { port } = other.address() as { port: number };
    const ends = await Promise.all([
      run(commands.pilotlight, ['dev', `--port=${port}`]),
      run(commands['pilotlight-local'], [`--port=${port}`]),
    ]);
    other.close();
    for (const { stderr, exitCode } of ends) {
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/port/i);
      expect(stderr).not.toMatch(/^ {4}at /m);
    }
  });

  it('pilotlight-pack: that a pack is not there, and how it is used', async () => {
    const [unused, absent] = await Promise.all([
      run(commands['pilotlight-pack']),
      run(commands['pilotlight-pack'], ['inspect', 'nothing']),
    ]);
    expect({ usage: unused.stderr.split(' ')[0], exitCode: unused.exitCode }).toEqual({ usage: 'Usage:', exitCode: 2 });
    expect(absent.exitCode).toBe(2);
    expect(absent.stderr).toContain('nothing');
    expect(absent.stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('Ctrl-C ends in order', () => {
  it.each([
    ['pilotlight', ['dev', '--port=0', '--json']],
    ['pilotlight-local', ['--port=0', '--json']],
  ] as const)('%s', async (name, given) => {
    const running = run(commands[name], given);
    await Promise.race([new Promise((resolve) => running.stdout?.once('data', resolve)), running]);
    process.kill(-pidOf(running), 'SIGINT');
    const { exitCode, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});
