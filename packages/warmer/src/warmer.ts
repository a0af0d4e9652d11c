import type { AddressInfo } from 'node:net';
import { RuntimeWarmingManager } from '@pilotlight/warming';
import { e2bProvider } from '@pilotlight/warming/e2b';
import { pino } from 'pino';
import { e2bSnapshots } from './adapters/e2b-snapshots.js';
import { e2bTemplates } from './adapters/e2b-templates.js';
import { e2bTerminals } from './adapters/e2b-terminal.js';
import { meteredProvider, type ProviderMeter } from './adapters/metered-provider.js';
import type { WarmerConfig } from './config/schema.js';
import { dashboardRoot } from './dashboard-root.js';
import { LinkKeeper } from './links/keeper.js';
import { EnginePools } from './operation/engine-pools.js';
import { redactedPaths } from './operation/log-redaction.js';
import { startTelemetry, traceHeaders } from './operation/telemetry.js';
import type { RegisteredRuntime } from './runtimes/registry.js';
import { createService, type Service } from './service.js';
import { pause } from './start-up/pause.js';
import { startUp } from './start-up/start-up.js';
import { openStores } from './stores.js';
import { version } from './version.js';

/** A running warmer. Ending the process ends it too; {@link Warmer.close} does so in order. */
export interface Warmer {
  /** Where it answers. */
  readonly url: string;
  readonly service: Service;
  readonly manager: RuntimeWarmingManager;
  /** The embedded host's isolation level, when it runs. */
  readonly isolation: string | undefined;
  /** Resolves when every pool is filled for the first time. */
  readonly warmed: Promise<void>;
  /** Stops taking traffic, lets claims on their way end, and closes. Idempotent. */
  close(): Promise<void>;
}

export interface StartOptions {
  mode?: 'dev' | 'serve';
  /** Where the log goes. @default standard output */
  logTo?: { write(line: string): void };
}

/**
 * Starts the service: it listens at once, and `/readyz` tells when links are verified and pools are filled.
 *
 * @throws {@link WarmerError} when the configuration cannot work
 */
export async function startWarmer(config: WarmerConfig, options: StartOptions = {}): Promise<Warmer> {
  const logger = pino({ level: config.log.level, redact: redactedPaths }, options.logTo ?? pino.destination(1));
  const closers: (() => Promise<void>)[] = [];
  const unwind = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) {
      await close().catch((error: unknown) => logger.error({ err: error }, 'closing failed'));
    }
  };
  try {
    const host = config.provider.kind === 'local' ? await startEmbeddedHost() : undefined;
    if (host) closers.push(() => host.close());
    const { kind: _, ...given } = config.provider;
    const connection = host?.connectionOptions ?? definedOf(given);
    closers.push(await startTelemetry(config.telemetry.otlpUrl, version));
    const stores = await openStores(config, logger);
    closers.push(() => stores.close());

    let service: Service | undefined;
    let providerFailure: string | undefined;
    const meter: ProviderMeter = {
      created: (kind, outcome, elapsedMs) => service?.context.metrics.created(kind, outcome, elapsedMs),
      answered: (error) => {
        const refused = error?.failure === 'unreachable' || error?.failure === 'unauthorized';
        providerFailure = refused ? error.failure : undefined;
      },
    };
    const manager = new RuntimeWarmingManager({
      provider: meteredProvider(e2bProvider({ ...connection, requestHeaders: traceHeaders }), meter),
      fleet: config.fleet,
      budget: config.budget,
      ...config.recovery,
      prices: config.prices,
      maxIntents: config.limits.intents,
      ledger: stores.ledger,
      linkStore: stores.links,
      ...(config.sealKey === undefined ? {} : { connectionKey: config.sealKey }),
    });
    closers.push(() => manager.close());
    let runtimeOf: (pool: string) => RegisteredRuntime | undefined = () => undefined;
    const keeper = new LinkKeeper({
      store: stores.links,
      house: e2bSnapshots(connection),
      poolsBySpec: () => new Map(manager.pools().map(({ specKey, runtime }) => [specKey, runtime])),
    });
    const pools = new EnginePools(manager, (pool) => runtimeOf(pool)?.definition);
    const started = await createService({
      config,
      mode: options.mode ?? 'serve',
      version,
      logger,
      now: Date.now,
      manager,
      poolControl: pools,
      snapshots: keeper,
      book: stores.book,
      runtimes: stores.runtimes,
      history: stores.history,
      counters: stores.counters,
      log: stores.log,
      idempotency: stores.idempotency,
      dispatch: stores.dispatch,
      terminals: e2bTerminals(connection),
      sandboxUrl: connection.sandboxUrl,
      dashboardRoot: dashboardRoot(),
    });
    service = started;
    runtimeOf = (pool) => started.context.registry.byPool(pool);
    closers.push(() => started.close());

    started.context.readiness.add('provider', async () =>
      providerFailure === undefined ? 'pass' : { state: 'fail', message: `the provider is ${providerFailure}` },
    );
    started.context.readiness.add('pools', async () => (poolsFilled(started) ? 'pass' : 'wait'));
    await started.app.listen({ host: config.listen.host, port: config.listen.port });
    const { address, port } = started.app.server.address() as AddressInfo;
    const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
    logger.info({ url, store: config.store.kind, provider: config.provider.kind }, 'listening');

    const stopping = new AbortController();
    const warmed = startUp({
      readiness: started.context.readiness,
      logger,
      signal: stopping.signal,
      verifyLinks: () => keeper.verify(),
      verifyEveryMs: config.snapshots.verifyEveryMs,
      templates: e2bTemplates(connection),
      recipes: config.templates,
      startEngine: () => manager.start(),
    }).then(async () => {
      await stores.begin(started.context.claims);
      await filled(started, stopping.signal);
    });
    warmed.catch((error: unknown) => logger.error({ err: error }, 'the engine could not start'));

    let closing: Promise<void> | undefined;
    return {
      url,
      service: started,
      manager,
      isolation: host?.isolation,
      warmed,
      close() {
        closing ??= (async () => {
          started.context.readiness.drain();
          started.context.hub.log.append({ type: 'service-draining', graceMs: config.drainMs }, { kind: 'everyone' });
          await drained(started, config.drainMs);
          stopping.abort();
          await unwind();
        })();
        return closing;
      },
    };
  } catch (error) {
    await unwind();
    throw error;
  }
}

async function startEmbeddedHost() {
  const { startLocalHost } = await import('@pilotlight/local');
  return startLocalHost();
}

/** As told by whichever replica saw a pool last. */
function poolsFilled({ context: { registry, pools } }: Service): boolean {
  return registry.all().every(({ pool, definition }) => {
    const { hot, claimed, target } = pools.countsOf(pool);
    return hot + claimed >= Math.min(target, definition.pool.max) && (target > 0 || definition.pool.target === 0);
  });
}

async function filled(service: Service, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !poolsFilled(service)) await pause(100, signal);
}

/** Claims on their way get their time to end; handed-over ones belong to their claimants. */
async function drained(service: Service, graceMs: number): Promise<void> {
  const untilMs = Date.now() + graceMs;
  const never = new AbortController().signal;
  while (Date.now() < untilMs && service.context.claims.warmingCount > 0) await pause(100, never);
}

function definedOf<Options extends object>(
  options: Options,
): { [Name in keyof Options]: Exclude<Options[Name], undefined> } {
  const defined: unknown = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return defined as { [Name in keyof Options]: Exclude<Options[Name], undefined> };
}
