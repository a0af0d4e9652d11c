import { CreateGate } from './budget/gate.js';
import { ClaimDesk } from './claim/desk.js';
import { DurationBook } from './claim/durations.js';
import { parseRequest } from './claim/request.js';
import type { ClaimAnswer, ClaimRequest, ClaimSource } from './claim.js';
import { systemClock } from './clock.js';
import { WarmingError } from './errors.js';
import type { WarmingEvents } from './events.js';
import { IntentDesk } from './intent/desk.js';
import { MemoryLedger } from './ledger/memory.js';
import { parseOptions, type RuntimeWarmingManagerOptions } from './options.js';
import { Background } from './pool/background.js';
import { Connections } from './pool/connections.js';
import type { Fleet } from './pool/fleet.js';
import { Keeper } from './pool/keeper.js';
import { Links, ledgerLinks } from './pool/links.js';
import { Pool } from './pool/pool.js';
import { claimErrorOf } from './pool/provider-errors.js';
import { retireIdle } from './pool/retire.js';
import { sealerOf } from './pool/seal.js';
import { shutDown } from './pool/shut-down.js';
import { poolSpecOf } from './pool/spec.js';
import { Watch } from './pool/watch.js';
import type { Runtime } from './runtime.js';
import { defineRuntime } from './runtime.js';
import { Sharing } from './specialise/sharing.js';
import { StatsBook } from './stats/book.js';
import { TargetDriver } from './target/driver.js';
import type { Explanation } from './target/target.js';

export type Emit = <Name extends keyof WarmingEvents>(name: Name, ...event: WarmingEvents[Name]) => void;

/** The parts of the engine, put together. What each does stands in its own file. */
export class Engine {
  readonly fleet: Fleet;
  readonly pools = new Map<string, Pool>();
  readonly intents: IntentDesk;
  readonly #desk: ClaimDesk;
  readonly #driver: TargetDriver;
  readonly #ownPolicy: boolean;
  readonly #background: Background;
  readonly #watch: Watch;
  #started: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #paused = false;

  constructor(options: RuntimeWarmingManagerOptions, emit: Emit) {
    const settings = parseOptions(options);
    const clock = options.clock ?? systemClock;
    const newId = options.newId ?? (() => crypto.randomUUID());
    const { provider } = options;
    const ledger = options.ledger ?? new MemoryLedger(clock, newId());
    const { prices, budget, connectionKey } = settings;
    const name = settings.fleet ?? `embedded-${newId()}`;
    const stats = new StatsBook(prices.perVcpuSecond * prices.vcpus + prices.perGibSecond * prices.gib);
    const durations = new DurationBook();
    const connections = new Connections(provider, connectionKey === undefined ? undefined : sealerOf(connectionKey));
    const background: Fleet['background'] = (runtime, work) => this.#background.run(runtime, work);
    const madeMs = clock.monotonicMs();
    this.#background = new Background(clock, (runtime, error) => emit('background-error', { runtime, error }));
    this.fleet = {
      name,
      replica: newId(),
      clock,
      ledger,
      provider,
      settings,
      gate: new CreateGate(clock, budget),
      connections,
      links: new Links({
        store: options.linkStore ?? ledgerLinks(ledger),
        provider,
        fleet: name,
        nowMs: () => ledger.nowMs(),
        newId,
        retryAfterMs: budget.probeAfterMs * 4,
      }),
      durations,
      stats,
      sharing: new Sharing({
        specialiser: options.specialiser,
        durations,
        roomMebibytes: settings.genericRoomMebibytes,
        runtimes: () => this.#sharing(),
        claimsPerHour: (runtime) =>
          stats.count(runtime) / Math.max(leastHours, (clock.monotonicMs() - madeMs) / 3_600_000),
      }),
      keeper: new Keeper({ clock, provider, settings, connections, background }),
      handles: new Set(),
      random: options.random ?? Math.random,
      newId,
      emit,
      measuredLead: (pool, tier, measuredMs) => {
        if (pool === this.pools.get(pool)?.spec.runtime.name) {
          this.#driver.observe({ kind: 'lead', key: pool, atMs: clock.nowMs(), tier, measuredMs });
        }
      },
      changed: (pool) => {
        this.fleet.gate.wake();
        this.pools.get(pool)?.wake();
      },
      later: (delayMs, runtime, work) => this.#background.later(delayMs, runtime, work),
      background,
    };
    this.#ownPolicy = options.targetPolicy !== undefined;
    this.#driver = new TargetDriver({ clock, changed: (runtime) => this.#wake(runtime) });
    if (options.targetPolicy) this.#driver.use(options.targetPolicy);
    this.intents = new IntentDesk(this.fleet, (runtime) => this.#wake(runtime));
    this.#desk = new ClaimDesk({
      fleet: this.fleet,
      generic: (spec) => this.#genericOf(spec.runtime)?.spec,
      observed: (runtime, request, answeredBy) => this.#observed(runtime, request.userId, answeredBy),
    });
    this.#watch = new Watch(this.fleet, this.pools);
    for (const runtime of options.runtimes ?? []) this.define(runtime);
    for (const template of Object.keys(settings.generic)) this.#addGeneric(template);
  }

  define(given: Runtime): void {
    this.#mustBeOpen();
    const runtime = defineRuntime(given as Parameters<typeof defineRuntime>[0]);
    const spec = poolSpecOf(runtime);
    const present = this.pools.get(runtime.name);
    if (present) present.redefine(spec);
    else this.#add(new Pool(this.fleet, spec, () => this.#targetsOf(spec.pool)));
    this.#tellOf(runtime);
  }

  async remove(runtime: string): Promise<void> {
    const pool = this.pool(runtime);
    this.pools.delete(runtime);
    this.#driver.observe({ kind: 'runtime-removed', key: runtime, atMs: this.fleet.clock.nowMs() });
    await pool.close(
      new WarmingError(
        'unknown_runtime',
        `Runtime "${runtime}" was removed while this claim waited. Define it again, or claim another one.`,
      ),
    );
    await retireIdle(this.fleet, runtime);
  }

  explain(runtime: string): Explanation | undefined {
    return this.#driver.explain(runtime);
  }

  start(): Promise<void> {
    this.#mustBeOpen();
    this.#started ??= this.#start().catch((error: unknown) => {
      // A host that comes back, or a key that was corrected, gets another chance at the next call.
      this.#started = undefined;
      throw claimErrorOf(error, this.fleet.provider.name);
    });
    return this.#started;
  }

  async claim(runtime: string, request: ClaimRequest): Promise<ClaimAnswer> {
    const pool = this.pool(runtime);
    // Before anything is awaited: a promise in it that fails meanwhile is looked after.
    const parsed = parseRequest(request);
    if (!this.#watch.running) await this.start();
    this.#mustBeOpen();
    return this.#desk.claim(pool, parsed);
  }

  pool(runtime: string): Pool {
    this.#mustBeOpen();
    const pool = this.pools.get(runtime);
    if (pool) return pool;
    const names = [...this.pools.keys()].map((name) => `"${name}"`).join(', ') || 'none';
    throw new WarmingError(
      'unknown_runtime',
      `There is no runtime ${JSON.stringify(runtime)}; defined are: ${names}. Give it to "runtimes" or to "define" first.`,
    );
  }

  /** Stops or resumes refill and speculation. Claims go on. */
  pause(paused: boolean, runtime?: string): void {
    if (runtime === undefined) this.#paused = paused;
    for (const pool of runtime === undefined ? this.pools.values() : [this.pool(runtime)]) {
      pool.paused = paused;
      pool.wake();
    }
  }

  close(options: { retireClaims: boolean; retirePool: boolean }): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { ledger, provider } = this.fleet;
    await Promise.all([ledger.open(), this.#useDefaultPolicy()]);
    // Finds out whether the provider is there and the key is right before anybody waits for it.
    await this.#watch.start();
    this.fleet.background(undefined, async () => provider.preconnect?.());
    this.fleet.keeper.start();
    for (const pool of this.pools.values()) pool.wake();
  }

  /** Loaded by whoever starts: an application that only imports the engine does not wait for it. */
  async #useDefaultPolicy(): Promise<void> {
    if (this.#driver.hasPolicy) return;
    const { defaultPolicy } = await import('./forecast/default-policy.js');
    this.#driver.use(defaultPolicy());
    for (const { spec } of this.pools.values()) if (spec.pool === spec.runtime.name) this.#tellOf(spec.runtime);
  }

  #tellOf({ name, pool }: Runtime): void {
    const bounds = { minHot: pool.target ?? 1, maxHot: pool.max, maxParked: pool.parked };
    this.#driver.observe({ kind: 'runtime', key: name, atMs: this.fleet.clock.nowMs(), bounds });
  }

  async #close(options: { retireClaims: boolean; retirePool: boolean }): Promise<void> {
    const error = new WarmingError(
      'closed',
      'The manager was closed while this claim waited. Make a new manager to claim again.',
    );
    this.#watch.stop();
    this.fleet.keeper.stop();
    this.#driver.close();
    this.intents.close();
    this.#background.stop();
    await Promise.all([...this.pools.values()].map((pool) => pool.close(error)));
    this.fleet.gate.close();
    await this.#background.settled();
    await shutDown(this.fleet, options);
    await this.#background.settled();
  }

  #add(pool: Pool): void {
    pool.paused = this.#paused;
    this.pools.set(pool.spec.pool, pool);
    if (this.#watch.running) pool.wake();
  }

  #addGeneric(template: string): void {
    const runtime = defineRuntime({
      name: 'generic',
      template,
      pool: { link: false, generic: false, max: this.fleet.settings.budget.maxSandboxes },
    });
    const spec = poolSpecOf(runtime, genericPool(template));
    this.#add(
      new Pool(this.fleet, spec, () => ({
        hot: this.#driver.generic ?? this.fleet.settings.generic[template] ?? 0,
        parked: 0,
      })),
    );
  }

  /** Runtimes that a generic sandbox may answer for. */
  *#sharing(): Iterable<Runtime> {
    for (const { spec } of this.pools.values()) if (this.#genericOf(spec.runtime)) yield spec.runtime;
  }

  #genericOf(runtime: Runtime): Pool | undefined {
    return runtime.pool.generic ? this.pools.get(genericPool(runtime.template)) : undefined;
  }

  #targetsOf(name: string): { hot: number; parked: number } {
    const settings = this.pools.get(name)?.spec.runtime.pool;
    const asked = { hot: settings ? (settings.target ?? 1) : 0, parked: settings?.parked ?? 0 };
    const target = this.#pinned(settings) ? asked : (this.#driver.target(name) ?? asked);
    return { hot: target.hot + this.intents.count(name), parked: target.parked };
  }

  /** A target that the runtime names is kept, unless the application chose a policy of its own. */
  #pinned(settings: Runtime['pool'] | undefined): boolean {
    return settings?.target !== undefined && !this.#ownPolicy;
  }

  #observed(runtime: string, userId: string | undefined, answeredBy: ClaimSource | undefined): void {
    if (userId !== undefined) this.intents.claimed(runtime, userId);
    const tier =
      answeredBy === undefined || answeredBy === 'linked' ? 'cold' : answeredBy === 'affinity' ? 'hot' : answeredBy;
    const atMs = this.fleet.clock.nowMs();
    // With the refill, after the claimant's first command: a forecast costs more than all the rest of a hot claim.
    this.#background.later(this.fleet.settings.refillDelayMs, runtime, async () =>
      this.#driver.observe({ kind: 'claim', key: runtime, atMs, answeredBy: tier }),
    );
  }

  #wake(runtime: string | undefined): void {
    if (!this.#watch.running) return;
    if (runtime !== undefined) this.pools.get(runtime)?.wake();
    else for (const [name, pool] of this.pools) if (name.startsWith(genericPool(''))) pool.wake();
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new WarmingError('closed', 'The manager is closed. Make a new one to go on.');
  }
}

/** Use is measured over no less than this, so that a first claim does not look like a flood. */
const leastHours = 1 / 6;

/** No runtime can have this name. */
function genericPool(template: string): string {
  return `generic:${template}`;
}
