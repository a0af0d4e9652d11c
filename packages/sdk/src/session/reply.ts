import { SpanStatusCode, trace } from '@opentelemetry/api';
import type { MemoryContext } from '@pilotlight/memory';
import type { Sandbox } from 'e2b';
import type { EventEmitter } from 'eventemitter3';
import type { SettledConfig } from './config.js';
import type { FirstToken, SessionEvents } from './events.js';
import type { Spent } from './phases.js';

/** What the model's function is given. */
export interface ModelRequest<Connection> {
  readonly text: string;
  readonly config: SettledConfig;
  /** Undefined without a memory. */
  readonly context: MemoryContext | undefined;
  /** With everything in place. Await it only where it is needed: the first token waits for it then. */
  readonly sandbox: Promise<Sandbox>;
  /** What `connect` gave. */
  readonly connection: Promise<Connection>;
  /** Credentials that are environment variables, for commands of the application's own. */
  readonly env: Promise<Readonly<Record<string, string>>>;
  readonly signal: AbortSignal | undefined;
}

/** How a message is answered. */
export interface MessageHandlers<Chunk, Connection = undefined> {
  /** Asks the model. */
  model(request: ModelRequest<Connection>): AsyncIterable<Chunk> | Promise<AsyncIterable<Chunk>>;
  /** Stores the user's message; never waited for before the answer. */
  persist?(text: string): Promise<unknown>;
  /** Opens what the model needs in the sandbox, such as the agent server's socket. */
  connect?(sandbox: Sandbox): Promise<Connection>;
  signal?: AbortSignal;
}

/** An answer under way. Iterate it once. */
export interface SessionReply<Chunk> extends AsyncIterable<Chunk> {
  /** Settles with the first token; rejects when there was none. */
  readonly firstToken: Promise<FirstToken>;
  /** Resolves when the message was stored or could not be; never rejects. */
  readonly persisted: Promise<void>;
}

/** A session's sandbox, ready, and what that took. */
export interface Prepared {
  readonly sandbox: Sandbox;
  readonly config: SettledConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly ran: readonly string[];
}

interface ReplyParts {
  clock: { monotonicMs(): number };
  events: EventEmitter<SessionEvents>;
  context: Promise<MemoryContext> | undefined;
  config(): Promise<SettledConfig>;
  prepare(): Promise<Prepared>;
  /** How long the phases of preparations took since then. */
  spent(sinceMs: number): Spent;
  renew(sandbox: Sandbox): void;
}

/** Starts everything a message needs at once and gives the answer as it comes. */
export function reply<Chunk, Connection>(
  text: string,
  handlers: MessageHandlers<Chunk, Connection>,
  parts: ReplyParts,
): SessionReply<Chunk> {
  const { clock, events } = parts;
  const startedMs = clock.monotonicMs();
  const persisted = Promise.resolve(handlers.persist?.(text)).then(
    () => undefined,
    (error: Error) => void events.emit('persist-failed', { error }),
  );
  const prepared = parts.prepare();
  let connectMs = 0;
  const connection = prepared.then(async ({ sandbox }) => {
    const beganMs = clock.monotonicMs();
    const opened = (await handlers.connect?.(sandbox)) as Connection;
    connectMs = clock.monotonicMs() - beganMs;
    return opened;
  });
  let resolveFirst: (token: FirstToken) => void = () => {};
  let rejectFirst: (error: unknown) => void = () => {};
  const firstToken = new Promise<FirstToken>((resolve, reject) => {
    resolveFirst = resolve;
    rejectFirst = reject;
  });
  // Whoever does not look at one of these must not be ended by it.
  for (const promise of [prepared, connection, firstToken, parts.context]) promise?.catch(() => undefined);

  async function* answer(): AsyncGenerator<Chunk> {
    const span = trace.getTracer('@pilotlight/sdk').startSpan('pilotlight.message');
    firstToken
      .then(({ ran, ...phases }) => span.addEvent('first-token', { ...phases, steps: [...ran] }))
      .catch(() => undefined);
    try {
      const [config, context] = await Promise.all([parts.config(), parts.context]);
      let neededMs = clock.monotonicMs();
      const needs = <Value>(promise: Promise<Value>): Promise<Value> =>
        promise.finally(() => {
          neededMs = clock.monotonicMs();
        });
      const request: ModelRequest<Connection> = {
        text,
        config,
        context,
        get sandbox() {
          return needs(prepared.then(({ sandbox }) => sandbox));
        },
        get connection() {
          return needs(connection);
        },
        get env() {
          return needs(prepared.then(({ env }) => env));
        },
        signal: handlers.signal,
      };
      let isFirst = true;
      for await (const chunk of await handlers.model(request)) {
        if (isFirst) {
          isFirst = false;
          first(neededMs);
        }
        yield chunk;
      }
      const { sandbox } = await prepared;
      parts.renew(sandbox);
      if (isFirst) rejectFirst(new Error('The model gave no token.'));
    } catch (error) {
      rejectFirst(error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  function first(neededMs: number): void {
    const nowMs = clock.monotonicMs();
    const totalMs = nowMs - startedMs;
    const modelMs = nowMs - neededMs;
    prepared
      .then(({ ran }) => {
        const token: FirstToken = { ...parts.spent(startedMs), connectMs, modelMs, totalMs, ran };
        events.emit('first-token', token);
        resolveFirst(token);
      })
      .catch(rejectFirst);
  }

  return { firstToken, persisted, [Symbol.asyncIterator]: answer };
}
