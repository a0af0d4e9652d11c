import { randomBytes } from 'node:crypto';
import type { RuntimeSpec } from '@pilotlight/warming';
import type { FastifyBaseLogger } from 'fastify';
import { TokenBook } from './auth/tokens.js';
import type { ClaimBook } from './claims/book.js';
import type { ClaimDispatch } from './claims/dispatch.js';
import type { ClaimManager } from './claims/manager.js';
import { queuedStatus } from './claims/queued.js';
import { ClaimService } from './claims/service.js';
import type { WarmerConfig } from './config/schema.js';
import { bridgeEngineEvents } from './events/bridge.js';
import { EventHub } from './events/hub.js';
import type { EventLog } from './events/log.js';
import type { ClaimHistory } from './history/history.js';
import { HistoryWriter } from './history/writer.js';
import type { App } from './http/app.js';
import type { ServiceContext, SnapshotDirectory } from './http/context.js';
import { FollowerLimit } from './http/followers.js';
import type { IdempotencyStore } from './http/idempotency.js';
import { type CounterMaker, RequestLimits } from './http/limits.js';
import { buildServer } from './http/server.js';
import { Metrics } from './operation/metrics.js';
import { ObjectiveWatch } from './operation/objectives.js';
import { Observer } from './operation/observer.js';
import type { PoolControl } from './operation/pool-control.js';
import { PoolDirectory } from './operation/pools.js';
import { Readiness } from './operation/readiness.js';
import { UsageBook } from './operation/usage.js';
import type { RuntimeBook } from './runtimes/book.js';
import { DeclaredRuntimes } from './runtimes/declared.js';
import { RuntimeRegistry } from './runtimes/registry.js';
import { TerminalHost } from './terminal/host.js';
import type { TerminalProvider } from './terminal/port.js';

/** What the service is put together from. The composition root makes these, and closes them. */
export interface ServiceParts {
  config: WarmerConfig;
  mode: 'dev' | 'serve';
  version: string;
  logger: FastifyBaseLogger;
  now: () => number;
  manager: ClaimManager;
  poolControl: PoolControl;
  snapshots: SnapshotDirectory | undefined;
  book: ClaimBook;
  runtimes: RuntimeBook;
  history: ClaimHistory;
  counters: CounterMaker;
  dispatch?: ClaimDispatch | undefined;
  log: EventLog;
  idempotency: IdempotencyStore;
  terminals: TerminalProvider;
  sandboxUrl: string | undefined;
  dashboardRoot: string | undefined;
}

export interface Service {
  app: App;
  context: ServiceContext;
  /** Ends what the service itself began: streams, terminals, timers. */
  close(): Promise<void>;
}

const watchIntervalMs = 5_000;
const sweepIntervalMs = 60_000;

/** Puts the service together. It listens when the caller says so. */
export async function createService(parts: ServiceParts): Promise<Service> {
  const { config, mode, version, logger, now, manager, book, log } = parts;
  const registry = new RuntimeRegistry(config.limits.runtimesPerTenant);
  for (const spec of config.runtimes) {
    manager.define(registry.register(undefined, runtimeOf(spec)).definition);
  }
  const runtimes = new DeclaredRuntimes({ book: parts.runtimes, registry, manager });
  await runtimes.load((error, { tenant, spec }) =>
    logger.warn({ err: error, tenant, runtime: spec.name }, 'a declared runtime cannot be used'),
  );
  const hub = new EventHub(log);
  const terminals = new TerminalHost({
    provider: parts.terminals,
    terminalsPerTenant: config.limits.terminalsPerTenant,
  });
  const metrics = new Metrics({ followers: () => hub.size, terminals: () => terminals.size });
  const pools = new PoolDirectory({ registry, now });
  const usage = new UsageBook(now());
  const objectives = new ObjectiveWatch(config.objectives, now);
  const observer = new Observer({ pools, usage, objectives, metrics });
  const stopObserving = log.subscribe((logged) => observer.observe(logged));
  const history = new HistoryWriter({
    history: parts.history,
    now,
    days: config.history.days,
    most: config.history.claims,
    failed: (error) => logger.warn({ err: error }, 'past claims are not written yet'),
  });
  const newClaimId = (): string => `c_${randomBytes(16).toString('base64url')}`;
  const claims = new ClaimService({
    manager,
    book,
    registry,
    runtimes,
    log,
    history,
    now,
    newClaimId,
    dispatch: parts.dispatch,
    queuedStatus: (pool, details) => {
      const runtime = registry.byPool(pool);
      return runtime && queuedStatus(pools.countsOf(pool), details, pools.warmingMs(pool));
    },
  });
  const stopForgetting = log.subscribe(({ event }) => {
    if (event.type === 'claim-retired') claims.forget(event.claimId);
  });
  const stopBridge = bridgeEngineEvents({ manager, registry, claims, metrics, log, logger });
  const readiness = new Readiness();
  readiness.add('store', async () => {
    await book.check();
    return 'pass';
  });

  const watch = setInterval(() => {
    for (const { objective, type } of objectives.turned()) {
      const { name, measured, target, burnRate } = objective;
      log.append({ type, objective: name, measured: measured ?? 0, target, burnRate }, { kind: 'everyone' });
      logger.warn({ objective: name, measured, target, burnRate }, type);
    }
    for (const { name, burnRate } of objectives.current()) metrics.burning(name, burnRate);
    for (const { pool } of registry.all()) {
      const { forecast } = parts.poolControl.numbers(pool);
      if (forecast) pools.expects(pool, forecast.claimsPerHour / 60);
    }
  }, watchIntervalMs);
  const sweep = setInterval(() => {
    Promise.all([book.sweep(now()), history.sweep()]).catch((error: unknown) =>
      logger.warn({ err: error }, 'sweep of claims failed'),
    );
  }, sweepIntervalMs);
  watch.unref();
  sweep.unref();

  const context: ServiceContext = {
    config,
    mode,
    version,
    now,
    registry,
    runtimes,
    claims,
    manager,
    hub,
    pools,
    usage,
    objectives,
    terminals,
    metrics,
    readiness,
    tokens: new TokenBook(config.tokens),
    limits: new RequestLimits(config.limits, parts.counters),
    followers: new FollowerLimit(config.limits.followersPerTenant),
    idempotency: parts.idempotency,
    poolControl: parts.poolControl,
    snapshots: parts.snapshots,
    sandboxUrl: parts.sandboxUrl,
    dashboardRoot: parts.dashboardRoot,
    audit: logger.child({ audit: true }),
  };
  const app = await buildServer(context, logger);
  return {
    app,
    context,
    async close() {
      clearInterval(watch);
      clearInterval(sweep);
      await app.close();
      await terminals.close();
      stopBridge();
      stopObserving();
      stopForgetting();
      hub.close();
      await history.close();
    },
  };
}

/** The engine checks the whole of it and names every wrong field. */
function runtimeOf(spec: Record<string, unknown>): RuntimeSpec {
  return { ...spec, name: String(spec.name) };
}
