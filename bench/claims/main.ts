import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLedger, systemClock } from '@pilotlight/warming';
import { redisLedger } from '@pilotlight/warming/redis';
import { sqliteLedger } from '@pilotlight/warming/sqlite';
import { hasRedis, startRedis } from '../../test/support/redis.js';
import { type BenchRow, report, row } from '../support/report.js';
import { round } from '../support/statistics.js';
import { engineShare, type Share } from './engine-share.js';
import { rawPop } from './raw-pop.js';
import { changeCost, refillReaction } from './reaction.js';

const claims = 10_000;
const atOnce = 16;
/** Turns of the raw pop and of the engine, whose medians are compared. */
const turns = 5;

function shareRows(name: string, share: Share, target: number, count = claims): BenchRow[] {
  const beside = `${count} claims, ${atOnce} at once; p50 ${share.p50Ms.toFixed(2)} ms`;
  return [
    row({
      name: `${name}: hot claims`,
      measured: Math.round(share.claimsPerSecond),
      unit: '/s',
      op: '>=',
      target,
      baseline: beside,
    }),
    row({
      name: `${name}: engine's share of a claim, p99`,
      measured: round(share.p99Ms),
      unit: 'ms',
      op: '<=',
      target: 20,
      baseline: beside,
    }),
  ];
}

// The engine's own timers keep no process alive.
const keepAlive = setInterval(() => undefined, 1_000);
const rows: BenchRow[] = [];
rows.push(...shareRows('memory', await engineShare(new MemoryLedger(systemClock, 'bench'), claims, atOnce), 1_000));

const folder = await mkdtemp(join(tmpdir(), 'pilotlight-bench-'));
for (const survives of ['process', 'power'] as const) {
  const ledger = sqliteLedger({ path: join(folder, `${survives}.db`), survives });
  rows.push(
    ...shareRows(
      `SQLite, WAL, survives ${survives} (synchronous = ${survives === 'power' ? 'FULL' : 'NORMAL'})`,
      await engineShare(ledger, claims / 5, atOnce),
      survives === 'power' ? 100 : 1_000,
      claims / 5,
    ),
  );
}
await rm(folder, { recursive: true });

if (hasRedis) {
  const server = await startRedis();
  // Alternated, so that a busy moment of the machine does not fall on one of them alone.
  const raw: Share[] = [];
  const ours: Share[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    raw.push(await rawPop(server.url, claims, atOnce));
    ours.push(await engineShare(redisLedger({ url: server.url, fleet: `bench-${turn}` }), claims, atOnce));
  }
  await server.stop();
  const middle = (shares: Share[]) =>
    shares.toSorted((first, second) => first.claimsPerSecond - second.claimsPerSecond)[Math.floor(turns / 2)]!;
  const [pop, engine] = [middle(raw), middle(ours)];
  rows.push(...shareRows('Redis, appendfsync always', engine, 1_000));
  rows.push(
    row({
      name: 'Redis: share of the rate of a raw Lua pop',
      measured: round((engine.claimsPerSecond / pop.claimsPerSecond) * 100) / 100,
      unit: 'x',
      op: '>=',
      target: 0.5,
      baseline: `raw pop ${Math.round(pop.claimsPerSecond)}/s, p99 ${pop.p99Ms.toFixed(2)} ms: a script that pops an id and deletes its record, nothing else; same Redis, one connection of the same client, pipelined, ${atOnce} at once; medians of ${turns} turns`,
    }),
  );
} else {
  const why = 'redis-server is not installed';
  rows.push(row({ name: 'Redis: hot claims', measured: null, unit: '/s', op: '>=', target: 1_000, why }));
}

rows.push(
  row({
    name: 'from the answer of a claim to the create call of its refill, p99',
    measured: round(await refillReaction(100)),
    unit: 'ms',
    op: '<=',
    target: 100,
    baseline: '50 ms of it are the pause for the first command',
  }),
);
const few = await changeCost(100, 10, 50);
const many = await changeCost(10_000, 10, 50);
rows.push(
  row({
    name: 'cost of a change with 10,000 pools and 100,000 slots, against 100 pools and 1,000 slots',
    measured: round((many / few) * 10) / 10,
    unit: 'x',
    op: '<=',
    target: 3,
    baseline: `${few.toFixed(2)} ms per change with 100 pools, ${many.toFixed(2)} ms with 10,000`,
  }),
);
report('claims', rows);
clearInterval(keepAlive);
process.exit(0);
