import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLocalHost } from '@pilotlight/local';
import { redisLedger } from '@pilotlight/warming/redis';
import { Sandbox } from 'e2b';
import { report, row } from '../../bench/support/report.js';
import { freePort, type RedisServer, startRedis } from '../support/redis.js';
import { FaultyFront } from './faulty-front.js';
import { History } from './history.js';
import type { ReplicaSettings } from './protocol.js';
import { randomOf } from './random.js';
import { buildReplica, type FleetReplica, Replica } from './replicas.js';
import { buildService, ServiceReplica } from './service-replicas.js';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    replicas: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    through: { type: 'string', default: 'engine' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const cycles = Number(values.cycles);
const random = randomOf(Number(values.seed));
const poolMax = 24;
const claimsPerCycle = 3;
/** Claims left standing on purpose, to see that nobody touches them. */
const heldAtOnce = 6;
const times = { leaseMs: 3_000, sweepMs: 2_000, orphanGraceMs: 5_000, slotLifeMs: 600_000 };
/** Lease, grace and two sweeps: after this nothing may be left that no record explains. */
const boundMs = times.leaseMs * 2 + times.orphanGraceMs * 2 + times.sweepMs * 2;

const history = new History();
const folder = await mkdtemp(join(tmpdir(), 'pilotlight-chaos-'));
const redisPort = await freePort();
let redis: RedisServer = await startRedis({ port: redisPort, folder });
const host = await startLocalHost();
const front = new FaultyFront(host.apiUrl);
const apiUrl = await front.listen();
const settings: ReplicaSettings = {
  connection: { ...host.connectionOptions, apiUrl },
  redisUrl: redis.url,
  fleet: 'chaos',
  runtime: {
    name: 'tool',
    steps: [{ name: 'prepare', run: 'echo ready > ready.txt' }],
    ready: { file: 'ready.txt' },
    pool: { target: 4, max: poolMax },
  },
  claimLifeMs: 500_000,
  times,
};
if (values.through !== 'engine' && values.through !== 'http') throw new Error('--through is "engine" or "http".');
const throughHttp = values.through === 'http';
const file = await (throughHttp ? buildService() : buildReplica());
const start = (): FleetReplica => (throughHttp ? new ServiceReplica(file, settings) : new Replica(file, settings));
const replicas = Array.from({ length: Number(values.replicas) }, start);
const ledger = redisLedger({ url: redis.url, fleet: settings.fleet });
let keys = 0;

function alive(): FleetReplica {
  const there = replicas.filter((replica) => !replica.dead);
  return there[Math.floor(random() * there.length)] ?? replicas[0]!;
}

/** Claims as a careful client does: with a key, and again elsewhere when nothing came of it. */
async function claim(key: string): Promise<boolean> {
  const beganMs = performance.now();
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      const answer = await alive().ask({ kind: 'claim', key });
      if (answer.ok && answer.sandboxId) {
        history.handedOver(key, answer.sandboxId, performance.now() - beganMs, tries + 1);
        return true;
      }
      history.failed(answer.error ?? 'unknown');
    } catch {
      history.failed('replica_died');
    }
    await sleep(100);
  }
  return false;
}

async function giveUp(key: string): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      const replica = alive();
      // The replica that has the claim may be dead: asking by key gives another one the same claim.
      const again = await replica.ask({ kind: 'claim', key });
      if (again.ok && again.sandboxId) history.handedOver(key, again.sandboxId, 0);
      const answer = await replica.ask({ kind: 'retire', key });
      if (again.ok && answer.ok) return history.givenUp(key);
    } catch {
      await sleep(100);
    }
  }
}

async function disturb(): Promise<void> {
  const draw = random();
  if (draw < 0.35) {
    const index = Math.floor(random() * replicas.length);
    await sleep(random() * 60);
    await replicas[index]!.kill();
    replicas[index] = start();
  } else if (draw < 0.45) {
    redis.process.kill('SIGSTOP');
    await sleep(100 + random() * 400);
    redis.process.kill('SIGCONT');
  } else if (draw < 0.5) {
    await redis.stop();
    await sleep(random() * 200);
    redis = await startRedis({ port: redisPort, folder });
  } else if (draw < 0.65) {
    front.stormUntilMs = Date.now() + 300;
  } else if (draw < 0.8) {
    front.answersToLose += 1 + Math.floor(random() * 2);
  }
}

async function listed(): Promise<string[]> {
  const found: string[] = [];
  const paginator = Sandbox.list(host.connectionOptions);
  while (paginator.hasNext) for (const { sandboxId } of await paginator.nextItems()) found.push(sandboxId);
  return found;
}

async function look(): Promise<void> {
  const there = new Set(await listed());
  history.overCreated = Math.max(history.overCreated, there.size - poolMax);
  for (const { key, sandboxId } of history.held()) if (!there.has(sandboxId)) history.lost(key);
}

/** After the bound: every sandbox has a record that is at rest, and the pool is full and not fuller. */
async function lookAtTheEnd(): Promise<void> {
  await Promise.all(replicas.map((replica) => replica.ready));
  await sleep(boundMs);
  await look();
  const records = await ledger.all();
  const settled = new Map(
    records.flatMap(({ state }) => ('place' in state ? [[state.place.sandboxId, state.name]] : [])),
  );
  const known = new Set(history.held().map(({ sandboxId }) => sandboxId));
  for (const id of await listed()) {
    const state = settled.get(id);
    if (state === undefined || state === 'warming' || (state === 'claimed' && !known.has(id))) history.orphans.add(id);
  }
  const hot = records.filter(({ state }) => state.name === 'hot').length;
  history.overCreated = Math.max(history.overCreated, hot - 4);
  if (hot < 4) history.failed(`pool_not_full_${hot}`);
}

const beganMs = performance.now();
try {
  await Promise.all(replicas.map((replica) => replica.ready));
  await ledger.open();
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    const fresh = Array.from({ length: claimsPerCycle }, () => {
      keys += 1;
      return `key-${keys}`;
    });
    await Promise.all([disturb(), ...fresh.map((key) => claim(key))]);
    const held = history.held();
    await Promise.all(held.slice(0, Math.max(0, held.length - heldAtOnce)).map(({ key }) => giveUp(key)));
    await look();
    if (values.verbose && cycle % 20 === 0) {
      process.stderr.write(
        `${cycle} cycles, ${history.claims} claims, ${Math.round((performance.now() - beganMs) / 1000)} s\n`,
      );
    }
  }
  front.stormUntilMs = 0;
  front.answersToLose = 0;
  await lookAtTheEnd();
} finally {
  await Promise.all(replicas.map((replica) => replica.kill()));
  await ledger.close();
  await front.close();
  await host.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

const none = (name: string, measured: number) => row({ name, measured, unit: '', op: '==', target: 0 });
report(
  'chaos',
  [
    row({
      name: 'claims answered',
      measured: history.claims,
      unit: 'claims',
      op: '==',
      target: cycles * claimsPerCycle,
    }),
    none('claimants that shared a sandbox', history.doubleClaims),
    none('orphans past the bound', history.orphans.size),
    none('acknowledged claims lost', history.lostClaims),
    none('sandboxes created beyond the bounds', history.overCreated),
  ],
  {
    cycles,
    claims: history.claims,
    doubleClaims: history.doubleClaims,
    orphans: history.orphans.size,
    lostClaims: history.lostClaims,
    overCreated: history.overCreated,
    p99ClaimMs: history.p99ClaimMs(),
    askedOnce: history.atOnceMs.length,
    p99AskedOnceMs: history.p99AtOnceMs(),
    through: values.through,
    replicas: replicas.length,
    seed: Number(values.seed),
    boundMs,
    refusedCreates: front.refused,
    lostCreateAnswers: front.lost,
    retriedBecause: Object.fromEntries(history.failures),
    durationSeconds: Math.round((performance.now() - beganMs) / 1000),
  },
);
