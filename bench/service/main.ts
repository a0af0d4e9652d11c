import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type BenchRow, report, row } from '../support/report.js';
import { percentile } from '../support/statistics.js';
import { bundled } from './bundle.js';
import { Child } from './child.js';
import { followMany } from './followers.js';
import type { InstantServer } from './instant-server.js';
import { closedLoop, openLoop, requester } from './load.js';
import type { LocalServer } from './local-server.js';
import { dashboardTimes, isBuilt, readyTimes } from './start.js';
import { bareEcho, directEcho, terminalEcho } from './terminal.js';

const slots = 1_000;
const perSecond = 200;
const seconds = 5;
const followers = 1_000;
const starts = 5;
const refillMs = 300;

const ms = (values: readonly number[], share: number): number => Math.round(percentile(values, share) * 1_000) / 1_000;
const times = (value: number, base: number): number => Math.round((value / base) * 100) / 100;

type Ask = ReturnType<typeof requester>;
const noop = (ask: Ask) => () => ask('GET', '/healthz');
function claims(ask: Ask, runtimes: readonly string[]): () => Promise<string> {
  let next = 0;
  return () => {
    next = (next + 1) % runtimes.length;
    return ask('POST', '/v1/claims', JSON.stringify({ runtime: runtimes[next] }));
  };
}
const named = (pools: number): string[] => Array.from({ length: pools }, (_, index) => `bench-${index}`);

/** Hot claims of a service with 1,000 slots: one after the other, then as many a second as are due. */
async function hotClaims(child: Child<InstantServer>, pools: number) {
  const { url, token } = await child.hello;
  const ask = requester(url, token);
  let hot = 0;
  const anyClaim = claims(ask, named(pools));
  const claim = async (): Promise<void> => {
    if ((await anyClaim()).startsWith('{"state":"HOT"')) hot += 1;
  };
  await closedLoop(300, noop(ask));
  await closedLoop(100, claim);
  await child.ask('be full again');
  const noopMs = await closedLoop(1_000, noop(ask));
  hot = 0;
  const claimMs = await closedLoop(500, claim);
  const hotAlone = hot / claimMs.length;
  await child.ask('be full again');
  hot = 0;
  const loadedMs = await openLoop(perSecond, seconds, claim);
  return { noopMs, claimMs, loadedMs, hotAlone, hotLoaded: hot / loadedMs.length };
}

function claimRows(pools: number, measured: Awaited<ReturnType<typeof hotClaims>>): BenchRow[] {
  const { noopMs, claimMs, loadedMs, hotAlone, hotLoaded } = measured;
  const share = (hot: number): string => `${Math.round(hot * 1_000) / 10} % answered HOT`;
  const spread = pools === 1 ? 'one runtime' : `${pools} runtimes`;
  return [
    row({
      name: `hot claim over HTTP, ${spread}, p50, over a no-op route of the same server`,
      measured: times(ms(claimMs, 0.5), ms(noopMs, 0.5)),
      unit: 'x',
      op: '<=',
      target: 2.5,
      baseline: `claim ${ms(claimMs, 0.5)} ms, no-op ${ms(noopMs, 0.5)} ms; ${share(hotAlone)}`,
    }),
    row({
      name: `hot claim over HTTP, ${spread}, p99, ${perSecond} a second open loop`,
      measured: ms(loadedMs, 0.99),
      unit: 'ms',
      op: '<=',
      target: 20,
      baseline: `p50 ${ms(loadedMs, 0.5)} ms over ${loadedMs.length} claims; ${share(hotLoaded)}`,
    }),
  ];
}

async function measureInstant(file: string): Promise<{ rows: BenchRow[]; bareMs: number[]; ownMs: number[] }> {
  const one = new Child<InstantServer>(file, [String(slots), '1']);
  const single = await hotClaims(one, 1);
  await one.stop();

  const child = new Child<InstantServer>(file, [String(slots), '10'], ['--expose-gc']);
  const server = await child.hello;
  const { residentBytes } = await child.ask<{ residentBytes: number }>('memory');
  const spread = await hotClaims(child, 10);
  const ask = requester(server.url, server.token);
  const read = async (body: object): Promise<{ claimId: string; connection?: { sandboxId: string } }> =>
    JSON.parse(await ask('POST', '/v1/claims', JSON.stringify(body)));
  const bareMs = await bareEcho(server.bareUrl);
  const held = await read({ runtime: 'bench-0' });
  const { echoMs } = await terminalEcho(server.url, server.token, held.connection?.sandboxId ?? '');
  const { claimId } = await read({ runtime: 'watched' });
  const followed = await followMany(server, followers, claimId, () => child.ask('open the gate'));
  await child.stop();
  return {
    bareMs,
    ownMs: echoMs,
    rows: [
      ...claimRows(10, spread),
      ...claimRows(1, single),
      row({
        name: `${followers} followers that got the terminal event`,
        measured: followed.ended,
        unit: 'followers',
        op: '==',
        target: followed.followers,
        baseline: 'half over WebSocket, half over server-sent events',
      }),
      row({
        name: `delivery of an event to ${followers} followers, p99`,
        measured: ms(followed.deliveryMs, 0.99),
        unit: 'ms',
        op: '<=',
        target: 100,
        baseline: `p50 ${ms(followed.deliveryMs, 0.5)} ms over ${followed.deliveryMs.length} deliveries`,
      }),
      row({
        name: `resident memory of the service with ${slots} slots`,
        measured: Math.round(residentBytes / 1_048_576),
        unit: 'MiB',
        op: '<=',
        target: Math.round(150e6 / 1_048_576),
        baseline: '150 MB; after a garbage collection, before the first claim',
      }),
    ],
  };
}

async function measureLocal(bareMs: readonly number[], ownMs: readonly number[]): Promise<BenchRow[]> {
  const file = fileURLToPath(new URL('./local-server.ts', import.meta.url));
  const child = new Child<LocalServer>(file, ['40'], ['--conditions=@pilotlight/source', '--import', 'tsx']);
  const { url, token, connection } = await child.hello;
  const ask = requester(url, token);
  await closedLoop(200, noop(ask));
  const claim = claims(ask, ['shell']);
  const [noopMs, claimMs]: [number[], number[]] = [[], []];
  let sandboxId = '';
  // Both after the same pause, which a refill needs: a process that rested is slower, whatever it is asked.
  for (let index = 0; index < 30; index += 1) {
    await pause(refillMs);
    noopMs.push(...(await closedLoop(1, noop(ask))));
    await pause(refillMs);
    const startedMs = performance.now();
    const answer = JSON.parse(await claim()) as { state: string; connection?: { sandboxId: string } };
    if (answer.state === 'HOT') claimMs.push(performance.now() - startedMs);
    sandboxId = answer.connection?.sandboxId ?? sandboxId;
  }
  const { connectMs, echoMs } = await terminalEcho(url, token, sandboxId);
  const directMs = await directEcho(sandboxId, connection);
  await child.stop();
  const bareP95 = ms(bareMs, 0.95);
  return [
    row({
      name: 'hot claim over HTTP on the local host, p50, over a no-op route of the same server',
      measured: times(ms(claimMs, 0.5), ms(noopMs, 0.5)),
      unit: 'x',
      op: '<=',
      target: 2.5,
      baseline: `claim ${ms(claimMs, 0.5)} ms over ${claimMs.length} hot ones, no-op ${ms(noopMs, 0.5)} ms, each after a pause of ${refillMs} ms; refills run beside them`,
    }),
    row({
      name: 'terminal echo in a sandbox of the local host, p95',
      measured: ms(echoMs, 0.95),
      unit: 'ms',
      op: '<=',
      target: 20,
      baseline: `p50 ${ms(echoMs, 0.5)} ms; opened in ${Math.round(connectMs)} ms`,
    }),
    row({
      name: 'terminal echo in a sandbox of the local host, p95, over a bare WebSocket echo',
      measured: times(ms(echoMs, 0.95), bareP95),
      unit: 'x',
      op: '<=',
      target: 2,
      baseline: `bare ${bareP95} ms; the same sandbox through E2B's client alone ${ms(directMs, 0.95)} ms (p50 ${ms(directMs, 0.5)} ms)`,
    }),
    row({
      name: "terminal echo, the service's own share (a terminal that answers at once), p95, over a bare WebSocket echo",
      measured: times(ms(ownMs, 0.95), bareP95),
      unit: 'x',
      op: '<=',
      target: 2,
      baseline: `service ${ms(ownMs, 0.95)} ms, bare ${bareP95} ms`,
    }),
  ];
}

async function measureStart(): Promise<BenchRow[]> {
  const why = isBuilt() ? undefined : 'the checkout is not built: run "npm run build" first';
  const readyMs = why === undefined ? await readyTimes(starts) : [];
  const dashboardMs = why === undefined ? await dashboardTimes(starts) : [];
  const slowest = (values: readonly number[]) => (values.length === 0 ? null : Math.round(Math.max(...values)));
  const beside = (values: readonly number[]) =>
    why === undefined
      ? { baseline: `slowest of ${starts}, process start included; median ${Math.round(percentile(values, 0.5))} ms` }
      : { why };
  return [
    row({
      name: 'start to ready on an empty SQLite store',
      measured: slowest(readyMs),
      unit: 'ms',
      op: '<=',
      target: 1_000,
      ...beside(readyMs),
    }),
    row({
      name: '"pilotlight dev" to its dashboard',
      measured: slowest(dashboardMs),
      unit: 'ms',
      op: '<=',
      target: 3_000,
      ...beside(dashboardMs),
    }),
  ];
}

const instant = await measureInstant(await bundled('instant-server'));
const local = await measureLocal(instant.bareMs, instant.ownMs);
report('service', [...instant.rows, ...local, ...(await measureStart())], {
  seconds,
  node: process.versions.node,
  provider: 'in memory, answers at once, unless a row names the local host',
});
process.exit(0);
