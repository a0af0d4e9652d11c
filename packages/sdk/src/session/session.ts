import { randomUUID } from 'node:crypto';
import type { Memory } from '@pilotlight/memory';
import type { Sandbox } from 'e2b';
import { EventEmitter } from 'eventemitter3';
import { bootstrap, scrub } from './bootstrap.js';
import type { SessionConfig } from './config.js';
import { type ConfigAssembler, ConfigCache } from './config-cache.js';
import { Credentials } from './credentials.js';
import { isSessionError, SessionError } from './errors.js';
import type { SessionEvents } from './events.js';
import { type Phases, spent } from './phases.js';
import { type Plan, planOf } from './plan.js';
import { type MessageHandlers, type Prepared, reply, type SessionReply } from './reply.js';

/** What an application says about a session. */
export interface SessionOptions {
  /** Runtime to claim. */
  runtime: string;
  userId: string;
  /** What the sandbox must hold, or how to assemble it. Assembled once, then every {@link configTtlMs} and after `invalidate`. */
  config?: SessionConfig | ConfigAssembler;
  /** @default 300_000 */
  configTtlMs?: number;
  /** Memories of the user, for the model and the sandbox. @default none */
  memory?: Pick<Memory, 'context' | 'prefetch'>;
  /** Most tokens of memories a message gets. @default the memory's */
  tokenBudget?: number;
}

/** What a session is made of. */
export interface SessionParts extends SessionOptions {
  claim(signal: AbortSignal): Promise<Sandbox>;
  /** Keeps the sandbox alive; called after an answer has begun, never waited for. */
  renew?(sandbox: Sandbox): Promise<void>;
  clock?: { nowMs(): number; monotonicMs(): number };
}

const keptPhases = 4;
const systemClock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * An agent's sandbox over many messages. It is claimed and prepared when the session is made, servers included, and each
 * message does only what has changed since.
 */
export class AgentSession {
  /** Breakdown of first tokens, steps, failures in the background. */
  readonly events = new EventEmitter<SessionEvents>();
  readonly #parts: SessionParts;
  readonly #clock: { nowMs(): number; monotonicMs(): number };
  readonly #config: ConfigCache;
  readonly #credentials: Credentials;
  readonly #end = new AbortController();
  /** Makes the marks of secrets meaningless outside of this session. */
  readonly #key = randomUUID();
  #sandbox: Promise<Sandbox> | undefined;
  #plan: Plan | undefined;
  /** The latest preparations: a message may wait for one that began before it. */
  #phases: readonly Phases[] = [];
  /** Preparations take turns: two messages at once share one sandbox. */
  #turn: Promise<unknown>;

  /** Made by `pilotlight.session`. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    const { config = {}, configTtlMs = 300_000 } = parts;
    const nowMs = () => this.#clock.nowMs();
    this.#config = new ConfigCache({
      assemble: typeof config === 'function' ? config : () => config,
      ttlMs: configTtlMs,
      nowMs,
    });
    this.#credentials = new Credentials(nowMs);
    const memory = parts.memory?.prefetch({ userId: parts.userId });
    memory?.catch((error: Error) => this.events.emit('background-error', { error }));
    this.#turn = this.#prepare(this.#end.signal).catch((error: Error) =>
      this.events.emit('background-error', { error }),
    );
  }

  /**
   * The sandbox with everything in place, for work without a message.
   *
   * @throws SessionError or the failure of the claim; the next call tries again
   */
  async ready(options: { signal?: AbortSignal } = {}): Promise<Sandbox> {
    return (await this.#inTurn(options.signal)).sandbox;
  }

  /**
   * Answers a message. The model is asked as soon as the configuration and the memories are there; the sandbox comes as a
   * promise, so a model that does not need it does not wait for it. Storing the message never delays the answer.
   *
   * @example
   * for await (const token of session.message(text, { model: ({ context }) => stream(text, context?.prompt.text) })) show(token);
   */
  message<Chunk, Connection = undefined>(
    text: string,
    handlers: MessageHandlers<Chunk, Connection>,
  ): SessionReply<Chunk> {
    const { memory, userId, tokenBudget, renew } = this.#parts;
    const context = memory?.context({
      userId,
      query: text,
      ...(tokenBudget === undefined ? {} : { tokenBudget }),
      ...signalOf(handlers),
    });
    return reply(text, handlers, {
      clock: this.#clock,
      events: this.events,
      context,
      config: () => this.#config.get(this.#signal(handlers.signal)),
      prepare: () => this.#inTurn(handlers.signal),
      spent: (sinceMs) => spent(this.#phases, sinceMs),
      renew: (sandbox) => {
        renew?.(sandbox).catch((error: Error) => this.events.emit('background-error', { error }));
      },
    });
  }

  /** Settings of the user have changed, or something is in doubt: the next message assembles the configuration again. */
  invalidate(): void {
    this.#config.invalidate();
  }

  /** Removes secrets from the sandbox, so that it can be paused or shared; the next message puts new ones there. */
  async scrub(): Promise<void> {
    await this.#afterTurn(async () => {
      const sandbox = await this.#sandbox;
      if (sandbox !== undefined && this.#plan !== undefined) await scrub(sandbox, this.#plan, this.#end.signal);
      this.#credentials.clear();
    });
  }

  /** A snapshot of the sandbox without its secrets. */
  async snapshot(): Promise<{ snapshotId: string }> {
    return this.#afterTurn(async () => {
      const sandbox = await this.#sandbox;
      if (sandbox === undefined || this.#plan === undefined)
        throw new SessionError('sandbox_lost', 'The session has no sandbox yet. Await ready() first.');
      await scrub(sandbox, this.#plan, this.#end.signal);
      this.#credentials.clear();
      return sandbox.createSnapshot();
    });
  }

  /** Ends the session and its sandbox. Idempotent. */
  async close(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new SessionError('closed', 'This session was closed. Make a new one.'));
    const sandbox = await this.#sandbox?.catch(() => undefined);
    await this.#turn;
    this.#credentials.clear();
    await sandbox?.kill();
  }

  #inTurn(signal: AbortSignal | undefined): Promise<Prepared> {
    return this.#afterTurn(() => this.#prepare(this.#signal(signal)));
  }

  #afterTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const run = this.#turn.then(() => {
      this.#end.signal.throwIfAborted();
      return work();
    });
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #prepare(signal: AbortSignal): Promise<Prepared> {
    const startedMs = this.#clock.monotonicMs();
    const claiming = this.#claim();
    // Awaited below; meanwhile its failure belongs to nobody.
    claiming.catch(() => undefined);
    const config = await this.#config.get(signal);
    const credentials = await this.#credentials.issue(config.credentials, signal);
    const configuredMs = this.#clock.monotonicMs();
    const plan = planOf(config, credentials, this.#key);
    let sandbox = await claiming;
    let claimedMs = this.#clock.monotonicMs();
    let previous = this.#plan;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const onStep = (step: string, phase: 'begin' | 'end') =>
          void this.events.emit('bootstrap-step', { step, phase });
        const { ran } = await bootstrap({ sandbox, plan, previous, signal, onStep });
        this.#plan = plan;
        this.#phases = [
          ...this.#phases.slice(-keptPhases),
          { startedMs, configuredMs, claimedMs, endedMs: this.#clock.monotonicMs() },
        ];
        return { sandbox, config, env: plan.env, ran };
      } catch (failure) {
        if (!isGone(failure) || attempt > 1) throw this.#doubted(failure);
        // A sandbox may end between two messages; a session outlives it.
        const lost = sandbox.sandboxId;
        this.#sandbox = undefined;
        previous = undefined;
        sandbox = await this.#claim();
        claimedMs = this.#clock.monotonicMs();
        this.events.emit('sandbox-replaced', { lost, sandboxId: sandbox.sandboxId });
      }
    }
  }

  #doubted(failure: unknown): unknown {
    this.#config.invalidate();
    return isGone(failure)
      ? new SessionError('sandbox_lost', 'Two sandboxes in a row were gone. Look at the limits of the account.', {
          cause: failure,
        })
      : failure;
  }

  #claim(): Promise<Sandbox> {
    if (this.#sandbox === undefined) {
      const claiming = this.#parts.claim(this.#end.signal);
      this.#sandbox = claiming;
      claiming.catch(() => {
        if (this.#sandbox === claiming) this.#sandbox = undefined;
      });
    }
    return this.#sandbox;
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]);
  }
}

function signalOf({ signal }: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** E2B says so in several ways: its sandbox is not found, or was not running when the request came. */
function isGone(failure: unknown): boolean {
  if (!(failure instanceof Error) || isSessionError(failure)) return false;
  if (['NotFoundError', 'SandboxNotFoundError'].includes(failure.name)) return true;
  return /sandbox (was |is )?(not found|not running|killed)|due to (the )?sandbox timeout/i.test(failure.message);
}
