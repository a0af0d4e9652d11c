import { existsSync, readFileSync } from 'node:fs';
import getPort from 'get-port';
import { chromium as browsers } from 'playwright-core';
import { globSync } from 'tinyglobby';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { descendantsOf, isAlive } from '../support/processes.js';
import { root, Surroundings } from './run.js';

const chromium = '/usr/lib/chromium/chromium';
if (!existsSync(chromium)) {
  console.error('NOT TESTED: the examples "browser-agent" and "react-progress" need: apt-get install chromium');
}

/** What each example shows when it works, line by line in this order. The demo has a test of its own. */
const shown: Record<string, RegExp[]> = {
  quickstart: [/WARMING 0 %/, /WARMING 100 % ready/, /Hello, first!/, /Hello, second!/, /^hot after/m],
  'terminal-progress': [/Not hot yet/, /0 % queued/, /100 % hot/, /Ready after .* from: cold/],
  'fork-attempts': [/attempt 1: failed/, /attempt 2: failed/, /attempt 3: passed/, /kept attempt 3 of 3/],
  'code-interpreter': [/total: 60 EUR/, /january 20 %/, /error: IndexError/],
  'warmer-two-apps': [/first app: /, /second app: /],
  'ai-sdk-agent': [/The program printed: 2, 3, 5, 7, 11, 13, 17, 19, 23, 29/],
  'openai-agent': [/keep that in mind/, /first word after/, /A marathon is 42\.195 km/, /marathon\.txt: 42\.195 km/],
  'pool-migration': [/before: .*ready/, /after: .*ready/, /env after the claim: ada/],
  ...(existsSync(chromium)
    ? { 'browser-agent': [/goal 1: Basket: 1/, /goal 3: Basket: 3/, /screenshot: taken/] }
    : { 'browser-agent': [/^$/] }),
};
/** Runs until it is stopped; has a test of its own. */
const pages = ['react-progress'];

const key = `e2b_${'0'.repeat(40)}`;

let surroundings: Surroundings;
beforeEach(() => {
  surroundings = new Surroundings();
});
afterEach(() => surroundings.remove());

describe('every example', () => {
  const names = globSync('examples/*/main.ts', { cwd: root }).map((path) => path.split('/')[1]);

  it('is run by a test', () => {
    expect(names.filter((name) => name !== 'demo').toSorted()).toEqual([...Object.keys(shown), ...pages].toSorted());
  });

  it('has a line in the list of examples', () => {
    const listed = [...readFileSync(`${root}examples/README.md`, 'utf8').matchAll(/^\| `([\w-]+)`/gm)].map(
      ([, name]) => name,
    );
    expect(listed.toSorted()).toEqual([...names, 'offline-testing'].toSorted());
  });

  it.each(globSync('examples/*/*.{ts,tsx}', { cwd: root, ignore: 'examples/demo/**' }))(
    '%s is under 80 lines',
    (path) => {
      expect(readFileSync(`${root}${path}`, 'utf8').trimEnd().split('\n').length).toBeLessThan(80);
    },
  );

  it.each(Object.keys(shown))(
    '%s works on this machine without a key and leaves nothing behind',
    async (name) => {
      const { stdout, stderr, exitCode } = await surroundings.start(name);
      expect({ exitCode, stderr: stderr.replace(/^SKIPPED.*$/m, '') }).toEqual({ exitCode: 0, stderr: '' });
      let rest = stdout;
      for (const pattern of shown[name] ?? []) {
        expect(rest).toMatch(pattern);
        rest = rest.slice(rest.search(pattern));
      }
      expect(surroundings.leftovers()).toEqual([]);
    },
    120_000,
  );

  it.each(Object.keys(shown))(
    '%s says what to do when nobody answers where the key is for',
    async (name) => {
      const nobody = `http://127.0.0.1:${await getPort()}`;
      const { stderr, exitCode } = await surroundings.start(name, {
        E2B_API_KEY: key,
        E2B_API_URL: nobody,
        E2B_SANDBOX_URL: nobody,
      });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/provider_unreachable: .*docs\/errors\.md#provider_unreachable/s);
      expect(stderr).not.toContain(key);
      expect(stderr).not.toMatch(/^ {4}at /m);
    },
    120_000,
  );

  it.each(Object.keys(shown).filter((name) => name !== 'browser-agent' || existsSync(chromium)))(
    '%s ends in order when it is stopped half-way',
    async (name) => {
      const running = surroundings.start(name);
      let output = '';
      running.stdout?.on('data', (text) => {
        output += String(text);
      });
      await vi.waitFor(() => expect(output).toMatch(/sandboxes run on this machine/), {
        timeout: 60_000,
        interval: 10,
      });
      const processes = descendantsOf(running.pid ?? 0);
      for (const pid of processes.slice(0, 1)) process.kill(pid, 'SIGINT');
      const { exitCode, stderr } = await running;
      // One that ended in the same moment has nothing to stop.
      expect([
        { exitCode: 130, stderr: 'Stopped; nothing is left running.' },
        { exitCode: 0, stderr: '' },
      ]).toContainEqual({ exitCode, stderr });
      expect(processes.filter(isAlive)).toEqual([]);
      expect(surroundings.leftovers()).toEqual([]);
    },
    120_000,
  );

  it.runIf(existsSync(chromium))(
    'react-progress shows a sandbox to a real browser, and stops in order',
    async () => {
      const running = surroundings.start('react-progress');
      let output = '';
      running.stdout?.on('data', (text) => {
        output += String(text);
      });
      await vi.waitFor(() => expect(output).toMatch(/Open http/), { timeout: 90_000, interval: 50 });
      const browser = await browsers.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
      try {
        const page = await browser.newPage();
        await page.goto(/http:\S+/.exec(output)?.[0] ?? '');
        await page.getByLabel('Task').fill('compile');
        await page.getByRole('button', { name: 'Start' }).click();
        await page.getByText(/^HOT/).waitFor({ timeout: 60_000 });
        await page.getByRole('button', { name: 'End' }).click();
        await page.getByLabel('Task').waitFor();
      } finally {
        await browser.close();
      }
      running.kill('SIGTERM');
      const { exitCode, stderr } = await running;
      expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: 'Stopped; nothing is left running.' });
      expect(surroundings.leftovers()).toEqual([]);
    },
    180_000,
  );

  it('that does not exist is answered with the names of those that do', async () => {
    const { stderr, exitCode } = await surroundings.start('quikstart');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('quickstart');
  });
});
