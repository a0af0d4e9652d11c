import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { descendantsOf, isAlive } from '../support/processes.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const command = [
  '--conditions=@pilotlight/source',
  '--import',
  'tsx',
  'examples/demo/main.ts',
  '--claims',
  '2',
  '--json',
];

describe('the demo', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-demo-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Everything the demo writes lands in a folder of its own, so that what it leaves can be seen. */
  const start = () =>
    execa('node', command, {
      cwd: root,
      env: { TMPDIR: folder, XDG_RUNTIME_DIR: folder },
      reject: false,
      timeout: 170_000,
    });
  /** The local host takes the place where directories are made quicker. */
  const leftovers = (pid: number | undefined) =>
    [folder, '/var/tmp']
      .flatMap((place) => readdirSync(place))
      .filter((name) => name.startsWith(`pilotlight-local-${process.getuid?.() ?? 0}-${pid}-`));

  it('ends with its figures as one JSON object and leaves no process and no directory behind', async () => {
    const demo = start();
    const { stdout, exitCode } = await demo;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout.split('\n').at(-1) ?? '')).toEqual({
      coldTtiMs: expect.any(Number),
      hotTtiMs: { p50: expect.any(Number), p95: expect.any(Number) },
      bareRunMs: { p50: expect.any(Number), p95: expect.any(Number) },
      rawCreateTtiMs: { p50: expect.any(Number), p95: expect.any(Number) },
      firstCompileMs: expect.any(Number),
      isolation: expect.stringMatching(/^(process|namespaces|hardened)$/),
    });
    expect(leftovers(demo.pid)).toEqual([]);
  }, 180_000);

  it.each(['SIGKILL', 'SIGINT'] as const)(
    'stopped by %s in mid-warm-up leaves nothing behind',
    async (signal) => {
      const demo = start();
      let shown = '';
      demo.stdout?.on('data', (text) => {
        shown += String(text);
      });
      await vi.waitFor(() => expect(shown).toMatch(/WARMING .*warming/), { timeout: 60_000, interval: 20 });
      const processes = descendantsOf(demo.pid ?? 0);
      expect(processes.length).toBeGreaterThan(0);
      expect(leftovers(demo.pid)).toHaveLength(1);

      demo.kill(signal);
      await demo;
      await vi.waitFor(
        () => {
          expect(processes.filter(isAlive)).toEqual([]);
          expect(leftovers(demo.pid)).toEqual([]);
        },
        { timeout: 15_000, interval: 50 },
      );
    },
    120_000,
  );
});
