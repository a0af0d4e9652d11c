import type { Claim, ClaimAnswer, ClaimRequest, MemoryInjection, Runtime, WarmingEvents } from '@pilotlight/warming';
import { ArrivingMemory, systemClock, WarmingError } from '@pilotlight/warming/client';
import type { WireClaim, WireHotClaim, WirePool } from '@pilotlight/warming/wire';
import { EventEmitter } from 'eventemitter3';
import { RemoteClaim } from './claim.js';
import { type ClaimBody, RemoteClient, type RemoteOptions } from './client.js';
import { fromWireError } from './errors.js';
import { emitWireEvent } from './events.js';
import { toWireFiles } from './files.js';
import { type FollowWay, followRemoteClaim } from './follow.js';
import { RemoteIntent } from './intent.js';
import { SocketFeed } from './socket-feed.js';
import { cancelled, RemoteWarming } from './warming.js';

/** Options of {@link remoteManager}. */
export interface RemoteManagerOptions extends RemoteOptions {
  /** Ways to follow progress, the best first. @default WebSocket, then server-sent events, then polling */
  followBy?: readonly FollowWay[];
  /**
   * The W3C `traceparent` of what is under way, for example from OpenTelemetry. It goes to the service with each claim and
   * into the environment of the sandbox's commands as `TRACEPARENT`. @default none
   */
  traceparent?: () => string | undefined;
}

const comeBackMs = 1_000;
/** Longest wait of a claim for memories that are still on their way; as the engine's own default. */
const memoryWaitMs = 5;

/**
 * A warmer service with the shape of the embedded `RuntimeWarmingManager`: the same answers, events and errors.
 *
 * Environment and secrets of a claim never go to the service: the handle adds them to each command.
 */
export class RemoteWarmingManager extends EventEmitter<WarmingEvents> implements AsyncDisposable {
  /** Requests of the service beyond claims: pools, usage, snapshots. */
  readonly client: RemoteClient;
  readonly #feed: SocketFeed;
  readonly #followBy: readonly FollowWay[] | undefined;
  readonly #traceparent: (() => string | undefined) | undefined;
  readonly #open = new Set<RemoteWarming>();
  #lastEventId: string | undefined;
  #listening = false;
  #closed = false;

  constructor(options: RemoteManagerOptions) {
    super();
    this.client = new RemoteClient(options);
    this.#feed = new SocketFeed(this.client.url, options.token);
    this.#followBy = options.followBy;
    this.#traceparent = options.traceparent;
  }

  /** Checks that the service is there and lets this token in. Idempotent. @throws {@link WarmingError} */
  async start(): Promise<void> {
    this.#checkOpen();
    await this.client.json('get', 'v1/session');
  }

  /** Declares a runtime at the service, as one of this tenant. Later claims wait for it. */
  define(runtime: Runtime): void {
    const { name, ...spec } = runtime;
    const defined = this.client.define(name, JSON.parse(JSON.stringify(spec)));
    this.#definitions.set(name, defined);
    // Told by the claim that needs it.
    defined.catch(() => undefined);
  }

  readonly #definitions = new Map<string, Promise<void>>();

  /**
   * Asks for a sandbox of a runtime. Answers at once.
   *
   * @throws {@link WarmingError} as the embedded manager, and `provider_unreachable` or `provider_unauthorized` for the service
   */
  async claim(runtime: string, request: ClaimRequest = {}): Promise<ClaimAnswer> {
    this.#checkOpen();
    const startedMs = performance.now();
    // Before anything is awaited: a promise that fails meanwhile is looked after.
    const memory = request.memory && new ArrivingMemory(request.memory);
    await this.#definitions.get(runtime);
    if (request.signal?.aborted) throw cancelled(runtime);
    await memory?.within(systemClock, memoryWaitMs);
    const body = bodyOf(runtime, request, memory?.known);
    const traceparent = this.#traceparent?.();
    const trace = traceparent === undefined ? {} : { TRACEPARENT: traceparent };
    const environment = () => ({ ...trace, ...memory?.known?.env, ...request.env, ...request.secrets });
    const claim = await this.#ask(body, request.signal, traceparent);
    const handOver = (hot: WireHotClaim): Claim =>
      new RemoteClaim(this.client, hot, { environment, latencyMs: performance.now() - startedMs });
    if (claim.state === 'HOT') {
      const handle = handOver(claim);
      const { source, latencyMs } = handle;
      return { state: 'HOT', claim: handle, source, latencyMs, ready: Promise.resolve(handle) };
    }
    if (claim.state !== 'WARMING') throw endOf(claim);
    const warming = new RemoteWarming(
      {
        handOver,
        follow: (claimId, signal, progress) =>
          followRemoteClaim(
            { client: this.client, feed: this.#feed, ...(this.#followBy ? { allowed: this.#followBy } : {}) },
            { claimId, signal, progress },
          ),
        read: (claimId) => this.client.read(claimId),
        claimAgain: () => this.#ask(body, undefined),
        cancel: async (claimId) => {
          await this.client.retire(claimId);
        },
      },
      claim,
      { onProgress: request.onProgress, signal: request.signal },
    );
    this.#open.add(warming);
    const forget = (): void => void this.#open.delete(warming);
    warming.ready.then(forget, forget);
    return warming;
  }

  /** Says that a user is likely to claim soon. It never fails: a hint that was not taken only means a colder start. */
  intent(runtime: string, options: { userId: string; ttlMs?: number }): RemoteIntent {
    this.#checkOpen();
    const { userId, ttlMs = 120_000 } = options;
    return new RemoteIntent(
      { client: this.client, claim: (request) => this.claim(runtime, request), intentId: crypto.randomUUID() },
      { runtime, userId, ttlMs },
    );
  }

  /** What this tenant's pools hold, as the service says. @throws {@link WarmingError} */
  pools(): Promise<WirePool[]> {
    return this.client.pools();
  }

  /** Stops refills of one runtime, or of all of this tenant. Claims go on. @throws {@link WarmingError} */
  async pause(runtime?: string): Promise<void> {
    await this.#setState(runtime, 'paused');
  }

  /** Undoes {@link pause}. @throws {@link WarmingError} */
  async resume(runtime?: string): Promise<void> {
    await this.#setState(runtime, 'running');
  }

  async #setState(runtime: string | undefined, state: 'paused' | 'running'): Promise<void> {
    const runtimes = runtime === undefined ? (await this.pools()).map((pool) => pool.runtime) : [runtime];
    await Promise.all(runtimes.map((name) => this.client.json('patch', `v1/pools/${name}`, { state })));
  }

  /** Ends what this client began: claims that still warm are cancelled, connections closed. Pools are the service's. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#open].map((warming) => warming.cancel()));
    this.#feed.close();
    this.removeAllListeners();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  override on<Name extends EventEmitter.EventNames<WarmingEvents>>(
    name: Name,
    listener: EventEmitter.EventListener<WarmingEvents, Name>,
    context?: unknown,
  ): this {
    this.#listen();
    return super.on(name, listener, context);
  }

  override addListener<Name extends EventEmitter.EventNames<WarmingEvents>>(
    name: Name,
    listener: EventEmitter.EventListener<WarmingEvents, Name>,
    context?: unknown,
  ): this {
    return this.on(name, listener, context);
  }

  override once<Name extends EventEmitter.EventNames<WarmingEvents>>(
    name: Name,
    listener: EventEmitter.EventListener<WarmingEvents, Name>,
    context?: unknown,
  ): this {
    this.#listen();
    return super.once(name, listener, context);
  }

  async #ask(body: ClaimBody, signal: AbortSignal | undefined, traceparent?: string): Promise<WireClaim> {
    try {
      return await this.client.claim(body, signal, traceparent);
    } catch (error) {
      if (!signal?.aborted) throw error;
      // The service may have taken the claim before the request was broken off: nothing must be left of it.
      void this.client
        .claim(body)
        .then((claim) => this.client.retire(claim.claimId))
        .catch(() => undefined);
      throw cancelled(body.runtime);
    }
  }

  /** The stream of events is opened with the first listener: a client that only claims needs none. */
  #listen(): void {
    if (this.#listening || this.#closed) return;
    this.#listening = true;
    this.#feed.follow({
      claimId: undefined,
      lastEventId: () => this.#lastEventId,
      event: (event) => {
        this.#lastEventId = event.id;
        emitWireEvent(event, (name, ...values) => EventEmitter.prototype.emit.call(this, name, ...values));
      },
      lost: () => {
        this.#listening = false;
        if (this.#closed) return;
        const timer = setTimeout(() => {
          if (this.eventNames().length > 0) this.#listen();
        }, comeBackMs);
        if (typeof timer === 'object') timer.unref();
      },
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new WarmingError('closed', 'This client was closed. Make a new one with remoteManager().');
  }
}

/** A client of a warmer service. @see {@link RemoteWarmingManager} */
export function remoteManager(options: RemoteManagerOptions): RemoteWarmingManager {
  return new RemoteWarmingManager(options);
}

function bodyOf(runtime: string, request: ClaimRequest, memory: MemoryInjection | undefined): ClaimBody {
  const { key, userId, affinity, files, priority, lifeMs } = request;
  return {
    runtime,
    key: key ?? crypto.randomUUID(),
    ...(userId === undefined ? {} : { userId }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(priority === undefined ? {} : { priority }),
    ...(lifeMs === undefined ? {} : { lifeMs }),
    ...(files === undefined ? {} : { files: toWireFiles(files) }),
    ...(memory === undefined ? {} : { memoryFiles: toWireFiles(memory.files) }),
  };
}

function endOf(claim: Exclude<WireClaim, { state: 'HOT' | 'WARMING' }>): WarmingError {
  return claim.state === 'FAILED' ? fromWireError(claim.error) : cancelled(claim.runtime);
}
