import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { packSpecialiser } from '@pilotlight/sdk/packs';
import { buildPack } from '@pilotlight/snapshots';
import { type ClaimAnswer, defineRuntime, type RuntimeSpecialiser, RuntimeWarmingManager } from '@pilotlight/warming';
import { e2bProvider } from '@pilotlight/warming/e2b';
import { Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const target = '/home/user/app/node_modules';

let host: LocalHost;
let directory: string;

/** The pack stands for its install step. */
const app = defineRuntime({
  name: 'app',
  steps: [
    { name: 'install', run: `mkdir -p ${target}/left && printf left > ${target}/left/index.js && touch installed` },
    { name: 'build', run: 'cp app/node_modules/left/index.js built.js' },
  ],
  ready: { file: '/home/user/built.js' },
  pool: { target: 0, link: false },
});

beforeAll(async () => {
  host = await startLocalHost();
  directory = mkdtempSync(join(tmpdir(), 'pilotlight-specialise-'));
  mkdirSync(join(directory, 'modules/left'), { recursive: true });
  writeFileSync(join(directory, 'modules/left/index.js'), 'left');
  await buildPack({
    name: 'app',
    output: join(directory, 'pack'),
    layers: [{ kind: 'directory', name: 'modules', source: join(directory, 'modules'), target }],
  });
});
afterAll(async () => {
  await host.close();
  rmSync(directory, { recursive: true });
});

async function setUp(connection: object = host.connectionOptions) {
  const packs = { app: { directory: join(directory, 'pack'), provides: ['install'] } };
  const inner = await packSpecialiser({ packs, connection: host.connectionOptions });
  const ways: string[] = [];
  const specialiser: RuntimeSpecialiser = {
    packOf: (runtime) => inner.packOf(runtime),
    bundle: async (runtimes, ...rest) => {
      await inner.bundle(runtimes, ...rest);
      ways.push(`carries ${runtimes.join()}`);
    },
    link: async (...request) => {
      const way = await inner.link(...request);
      // A pack of a few bytes comes in no time: it gets that of a large one, or the decision hangs on the machine's speed.
      if (way === 'fetched') await sleep(200);
      ways.push(way);
      return way;
    },
  };
  const manager = new RuntimeWarmingManager({
    provider: e2bProvider(connection),
    runtimes: [app],
    generic: { base: 1 },
    specialiser,
  });
  const filled = () =>
    vi.waitFor(() => expect(manager.pools().find(({ runtime }) => runtime === 'generic:base')?.hot).toBe(1), {
      timeout: 20_000,
      interval: 10,
    });
  return { manager, ways, filled };
}

async function sandboxOf(answer: ClaimAnswer): Promise<Sandbox> {
  const claim = await answer.ready;
  const { sandboxId, envdVersion, envdAccessToken } = claim.connection;
  const token = envdAccessToken === undefined ? {} : { envdAccessToken };
  return new Sandbox({ ...host.connectionOptions, sandboxId, envdVersion, ...token });
}

describe('a generic sandbox that is claimed for a runtime with a pack', () => {
  it('has the pack linked instead of the steps it stands for, runs the rest, and has a latency of its own', async () => {
    const { manager, ways, filled } = await setUp();
    await manager.start();
    await filled();
    const answer = await manager.claim('app');
    expect(answer.state).toBe('WARMING');
    const sandbox = await sandboxOf(answer);
    expect((await answer.ready).source).toBe('generic');
    expect(await sandbox.files.read('built.js')).toBe('left');
    expect(await sandbox.files.exists('installed'), 'the step was run').toBe(false);
    expect(ways[0]).toBe('fetched');
    const stats = manager.stats().pools.find(({ runtime }) => runtime === 'app');
    expect(stats?.latencyMs.generic).toMatchObject({ count: 1, p50: expect.any(Number) });
    await manager.close();
  });

  it('finds it at hand once the runtime is asked for often enough, and the manager says why', async () => {
    const { manager, ways, filled } = await setUp();
    await manager.start();
    await filled();
    expect(manager.bundles()).toEqual([
      { template: 'base', bundled: [], reasons: [expect.stringContaining('too rarely asked for')] },
    ]);
    // Enough use to outweigh what a few bytes cost.
    for (let claims = 0; !manager.bundles()[0]?.bundled.includes('app'); claims += 1) {
      expect(claims).toBeLessThan(60);
      await (await manager.claim('app')).ready.then((claim) => claim.retire());
    }
    expect(manager.bundles()[0]?.reasons).toEqual([expect.stringMatching(/^app: .*bundled$/)]);
    await vi.waitFor(
      async () => {
        await (await manager.claim('app')).ready.then((claim) => claim.retire());
        expect(ways.at(-1)).toBe('bundled');
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(ways).toContain('carries app');
    await manager.close();
  });
});
