import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { report, row } from '../support/report.js';
import { percentile } from '../support/statistics.js';
import { followMany } from './followers.js';
import { closedLoop, openLoop, requester } from './load.js';
import { measureEcho } from './terminal.js';

const slots = 1_000;
const perSecond = 200;
const seconds = 5;

const server = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [String(slots)], {
  execArgv: ['--conditions=@pilotlight/source', '--import', 'tsx', '--expose-gc'],
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});
const message = <Value>(): Promise<Value> =>
  new Promise((resolve) => server.once('message', (value) => resolve(value as Value)));

const { url, token } = await message<{ url: string; token: string }>();
const request = requester(url, token);
const asked = message<{ residentBytes: number }>();
server.send('memory');
const { residentBytes } = await asked;

const noop = (): Promise<string> => request('GET', '/healthz');
const claim = (): Promise<string> => request('POST', '/v1/claims', '{"runtime":"bench"}');
await closedLoop(300, noop);
await closedLoop(100, claim);
const noopMs = await closedLoop(1_000, noop);
const claimMs = await closedLoop(500, claim);
const loadedMs = await openLoop(perSecond, seconds, claim);
const followed = await followMany(url, token, 1_000, request);
server.kill();

const echo = await measureEcho();
const ms = (values: readonly number[], share: number): number => Math.round(percentile(values, share) * 1_000) / 1_000;
const noopP50 = ms(noopMs, 0.5);
const bareP95 = ms(echo.bareMs, 0.95);

report(
  'service',
  [
    row({
      name: 'hot claim over HTTP, p50, over a no-op route of the same server',
      measured: Math.round((ms(claimMs, 0.5) / noopP50) * 100) / 100,
      unit: 'x',
      op: '<=',
      target: 2.5,
      baseline: `claim ${ms(claimMs, 0.5)} ms, no-op ${noopP50} ms`,
    }),
    row({
      name: `hot claim over HTTP, p99, ${perSecond} a second open loop`,
      measured: ms(loadedMs, 0.99),
      unit: 'ms',
      op: '<=',
      target: 20,
      baseline: `p50 ${ms(loadedMs, 0.5)} ms over ${loadedMs.length} claims`,
    }),
    row({
      name: '1,000 followers that got the terminal event',
      measured: followed.ended,
      unit: 'followers',
      op: '==',
      target: followed.followers,
    }),
    row({
      name: 'delivery of an event to 1,000 followers, p99',
      measured: ms(followed.deliveryMs, 0.99),
      unit: 'ms',
      op: '<=',
      target: 100,
      baseline: `p50 ${ms(followed.deliveryMs, 0.5)} ms over ${followed.deliveryMs.length} deliveries`,
    }),
    row({
      name: 'terminal echo, p95',
      measured: ms(echo.terminalMs, 0.95),
      unit: 'ms',
      op: '<=',
      target: 20,
      baseline: `p50 ${ms(echo.terminalMs, 0.5)} ms; opened in ${Math.round(echo.connectMs)} ms`,
    }),
    row({
      name: 'terminal echo, p95, over a bare WebSocket echo',
      measured: Math.round((ms(echo.terminalMs, 0.95) / bareP95) * 100) / 100,
      unit: 'x',
      op: '<=',
      target: 2,
      baseline: `bare ${bareP95} ms; E2B's client alone ${ms(echo.directMs, 0.95)} ms`,
    }),
    row({
      name: `resident memory of the service with ${slots} slots`,
      measured: Math.round(residentBytes / 1_048_576),
      unit: 'MiB',
      op: '<=',
      target: 150,
      baseline: 'run from source, the TypeScript loader included',
    }),
    row({
      name: 'start to ready on an empty store',
      measured: Math.round(echo.startToReadyMs),
      unit: 'ms',
      op: '<=',
      target: 1_000,
      baseline: 'modules already loaded',
    }),
  ],
  { seconds, node: process.versions.node },
);
process.exit(0);
