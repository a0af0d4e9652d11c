import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer, type Warmer } from '../../packages/warmer/src/warmer.js';

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Set to renew the pictures of the documentation. */
const pictures = process.env.PILOTLIGHT_SCREENSHOTS === '1' ? `${root}docs/screenshots` : undefined;

if (!browserPath) console.warn('No Chromium on this machine: the dashboard is NOT tested. Install "chromium".');

describe.skipIf(!browserPath)('the dashboard in a real browser', () => {
  let warmer: Warmer;
  let context: BrowserContext;
  let page: Page;
  let profile: string;

  beforeAll(async () => {
    if (!existsSync(`${root}packages/warmer/dist/dashboard/index.html`)) {
      const { status, stderr } = spawnSync('npm', ['run', '-s', 'build:dashboard'], { cwd: root, encoding: 'utf8' });
      if (status !== 0) throw new Error(`The dashboard could not be built: ${stderr}`);
    }
    warmer = await startWarmer(
      configSchema.parse({
        listen: { port: 0 },
        provider: { kind: 'local' },
        store: { kind: 'memory' },
        allowAnonymousLoopback: true,
        log: { level: 'silent' },
        drainMs: 0,
        budget: { createsPerSecond: 50 },
        // So that a few claims that had to warm burn what the objective allows.
        objectives: [{ name: 'hit rate', indicator: 'hit_rate', target: 0.9 }],
        runtimes: [
          { name: 'hello-shell', pool: { target: 1, link: false, generic: false } },
          {
            name: 'slow-build',
            steps: [
              { name: 'fetch', run: 'sleep 1' },
              { name: 'build', run: 'sleep 1' },
            ],
            pool: { target: 0, generic: false },
          },
        ],
      }),
      { mode: 'dev' },
    );
    await warmer.warmed;
    profile = mkdtempSync(`${tmpdir()}/pilotlight-browser-`);
    context = await chromium.launchPersistentContext(profile, {
      executablePath: browserPath!,
      headless: true,
      viewport: { width: 1280, height: 900 },
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    page = await context.newPage();
    if (pictures) mkdirSync(pictures, { recursive: true });
  }, 120_000);

  afterAll(async () => {
    await context?.close();
    await warmer?.close();
    if (profile) rmSync(profile, { recursive: true, force: true });
  });

  const picture = async (name: string): Promise<void> => {
    if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  };
  const pool = (name: string) => page.locator(`[data-pool="${name}"]`);

  it('shows pools whose counts move live, and no error', async () => {
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(warmer.url);
    await pool('hello-shell').waitFor();
    await expect.poll(() => pool('hello-shell').locator('[data-count="hot"]').textContent()).toBe('1/1');
    await warmer.service.context.poolControl.change('hello-shell', { target: 2 });
    await expect
      .poll(() => pool('hello-shell').locator('[data-count="hot"]').textContent(), { timeout: 10_000, interval: 20 })
      .toBe('2/2');
    await picture('dashboard');
    expect(problems).toEqual([]);
  });

  it('claims a sandbox by keyboard, watches its progress reach hot, and types into its terminal', async () => {
    await pool('slow-build').getByRole('button', { name: 'Claim a sandbox' }).focus();
    await page.keyboard.press('Enter');
    const session = page.locator('[data-session]').first();
    await session.locator('progress').waitFor();
    await expect
      .poll(async () => Number(await session.locator('progress').getAttribute('value')), { timeout: 10_000 })
      .toBeGreaterThan(20);
    await picture('warming');
    await page.locator('[data-session="HOT"]').waitFor({ timeout: 30_000 });
    await page.locator('[data-terminal="connected"]').waitFor({ timeout: 10_000 });
    await page.locator('.screen').click();
    await page.keyboard.type('echo $((6*7))-answers\n');
    await expect.poll(() => page.locator('.xterm-rows').textContent(), { timeout: 10_000 }).toContain('42-answers');
    await picture('terminal');
    await page.getByRole('button', { name: 'Retire' }).click();
    await expect.poll(() => page.locator('[data-session]').count()).toBe(0);
  });

  it('shows what is expected beside what came, the links that were captured, and an objective that burns', async () => {
    const { context: service } = warmer.service;
    for (let claim = 0; claim < 10; claim += 1) service.objectives.add('hit_rate', claim < 5 ? 1 : 0);
    await page.getByText('Burning:').waitFor({ timeout: 10_000 });
    await pool('slow-build')
      .getByText(/1 claim in the last hour, \d+ expected/)
      .waitFor({ timeout: 15_000 });
    await pool('slow-build').getByText('Expected:').focus();
    await page.keyboard.press('Enter');
    await pool('slow-build').getByText('Within its bounds, the pool keeps 0 now').waitFor();
    await pool('slow-build').locator('.reasons li').first().waitFor();
    const link = page.locator('section[aria-labelledby="links-title"] tbody tr');
    await link.first().waitFor({ timeout: 10_000 });
    expect(await link.first().textContent()).toContain('slow-build');
    await picture('running');
  });

  it('can be used by the keyboard alone: everything that can be pressed is reached, in order, and seen', async () => {
    await page.locator('body').click({ position: { x: 5, y: 5 } });
    const reached: string[] = [];
    const focusable = await page.locator('main button, main input, main summary').count();
    for (let step = 0; step < focusable + 2; step += 1) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate(() => {
          const active = document.activeElement;
          if (!active?.closest('main')) return '';
          return getComputedStyle(active).outlineStyle === 'none' ? 'unseen' : active.tagName;
        }),
      );
    }
    // A table that scrolls sideways can be reached as well.
    expect(reached.filter((name) => name !== '').length).toBeGreaterThanOrEqual(focusable);
    expect(reached).not.toContain('unseen');
  });

  it('fits a phone, and has a dark face', async () => {
    await page.setViewportSize({ width: 375, height: 740 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.reload();
    await pool('hello-shell').waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    expect(ground).toBe('rgb(22, 24, 28)');
    await picture('phone-dark');
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('says what to do when there is nothing yet', async () => {
    const empty = await startWarmer(
      configSchema.parse({
        listen: { port: 0 },
        provider: { kind: 'local' },
        store: { kind: 'memory' },
        allowAnonymousLoopback: true,
        log: { level: 'silent' },
        drainMs: 0,
      }),
      { mode: 'dev' },
    );
    await page.goto(empty.url);
    await page.getByText('No runtime yet').waitFor();
    await picture('empty');
    await page.goto(warmer.url);
    await pool('hello-shell').waitFor();
    await empty.close();
  });

  it('says what to do when the service is gone', async () => {
    await warmer.close();
    await page.getByRole('alert').getByText('does not answer').waitFor({ timeout: 30_000 });
    await picture('disconnected');
  });
});
