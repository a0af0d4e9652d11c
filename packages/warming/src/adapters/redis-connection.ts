import { Redis } from 'ioredis';
import type { Clock } from '../clock.js';
import { WarmingError } from '../errors.js';
import type { LedgerNotice } from '../ledger/ledger.js';
import { redisScripts } from './redis-scripts.js';

export interface RedisConnectionOptions {
  readonly url: string;
  readonly prefix: string;
  readonly commandTimeoutMs: number;
  /** Redis' own replicas that must have a change before it counts. */
  readonly copies: number;
  readonly connection: Record<string, unknown>;
  readonly clock: Clock;
}

/** How often the difference between Redis' clock and ours is measured, in milliseconds. */
const clockCheckMs = 60_000;

/** Runs the scripts, keeps Redis' time, and hears what others change. */
export class RedisConnection {
  /** This process among those that listen. */
  readonly self = crypto.randomUUID();
  readonly redis: Redis;
  readonly #options: RedisConnectionOptions;
  readonly #listeners = new Set<(notice: LedgerNotice) => void>();
  #subscriber: Redis | undefined;
  #opening: Promise<void> | undefined;
  #offsetMs: number;
  #measuredMs = Number.NEGATIVE_INFINITY;
  #latestMs = 0;

  constructor(options: RedisConnectionOptions) {
    const { url, commandTimeoutMs, connection, clock } = options;
    this.#options = options;
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
    this.redis = new Redis(url, {
      lazyConnect: true,
      enableAutoPipelining: true,
      // A batch is one command by itself already.
      autoPipeliningIgnoredCommands: ['ledgerTake'],
      maxRetriesPerRequest: 3,
      commandTimeout: commandTimeoutMs,
      connectTimeout: commandTimeoutMs,
      retryStrategy: (times) => Math.min(1_000, 50 * times),
      scripts: Object.fromEntries(Object.entries(redisScripts).map(([name, lua]) => [name, { lua, numberOfKeys: 1 }])),
      ...connection,
    });
    // Without a listener ioredis prints; the commands that fail tell the engine.
    this.redis.on('error', () => undefined);
  }

  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Redis' own clock, as measured; between measurements by ours that never falls. */
  nowMs(): number {
    this.#latestMs = Math.max(this.#latestMs, Math.round(this.#options.clock.monotonicMs() + this.#offsetMs));
    return this.#latestMs;
  }

  /** Measures the clock when it is time, and checks that this Redis still keeps what it acknowledged. @returns id of its run */
  async check(): Promise<string> {
    await this.#measureClock();
    const policy = await this.redis.config('GET', 'maxmemory-policy').catch(() => undefined);
    const found = Array.isArray(policy) ? String(policy[1]) : 'noeviction';
    if (found !== 'noeviction') {
      throw new WarmingError(
        'ledger_unavailable',
        `This Redis evicts keys when its memory is short (maxmemory-policy ${found}), which would lose sandboxes. Set "maxmemory-policy noeviction", or use another Redis.`,
      );
    }
    const info = await this.redis.info('server').catch(() => '');
    return /run_id:(\w+)/.exec(info)?.[1] ?? '';
  }

  /** Runs a script that changes nothing. */
  read(script: keyof typeof redisScripts, ...values: (string | number)[]): Promise<unknown> {
    return this.guard(async () => {
      const command: unknown = Reflect.get(this.redis, script);
      if (typeof command !== 'function') throw new TypeError(`ioredis has no script ${script}.`);
      return Reflect.apply(command, this.redis, [this.#options.prefix, ...values]);
    });
  }

  /** Runs a script, and waits until the copies have what it changed. */
  async change(script: keyof typeof redisScripts, ...values: (string | number)[]): Promise<unknown> {
    const { copies, commandTimeoutMs } = this.#options;
    if (copies === 0) return this.read(script, ...values);
    const [answer, reached] = await Promise.all([
      this.read(script, ...values),
      this.guard(() => this.redis.wait(copies, Math.ceil(commandTimeoutMs / 2))),
    ]);
    if (reached >= copies) return answer;
    throw new WarmingError(
      'ledger_unavailable',
      `Only ${reached} of ${copies} replicas of Redis have the last change, so a failover could lose it. Check them, or lower "copies".`,
    );
  }

  async guard<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw unavailable(error instanceof Error ? error.message : String(error), error);
    }
  }

  watch(listener: (notice: LedgerNotice) => void): () => void {
    this.#listeners.add(listener);
    this.#subscriber ??= this.#subscribe();
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#subscriber?.disconnect();
    if (this.redis.status === 'ready') await this.redis.quit().catch(() => this.redis.disconnect());
    else this.redis.disconnect();
  }

  #subscribe(): Redis {
    const subscriber = this.redis.duplicate({
      lazyConnect: false,
      commandTimeout: undefined,
      maxRetriesPerRequest: null,
      enableAutoPipelining: false,
    });
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_channel: string, text: string) => {
      const notice = noticeOf(text, this.self);
      if (notice) this.#tell(notice);
    });
    subscriber.subscribe(`${this.#options.prefix}changed`).catch(() => undefined);
    // Whatever was told while there was no connection is missed, and after a failover some of it may be lost.
    let before = false;
    subscriber.on('ready', () => {
      if (before) this.#tell({ kind: 'back' });
      before = true;
    });
    return subscriber;
  }

  #tell(notice: LedgerNotice): void {
    for (const listener of this.#listeners) listener(notice);
  }

  async #open(): Promise<void> {
    await this.guard(async () => {
      if (this.redis.status === 'wait') await this.redis.connect();
    });
    await this.check();
  }

  async #measureClock(): Promise<void> {
    const { clock } = this.#options;
    const beforeMs = clock.monotonicMs();
    if (beforeMs - this.#measuredMs < clockCheckMs) return;
    const [seconds, microseconds] = await this.guard(() => this.redis.time());
    const middleMs = (beforeMs + clock.monotonicMs()) / 2;
    this.#offsetMs = Number(seconds) * 1000 + Number(microseconds) / 1000 - middleMs;
    this.#measuredMs = beforeMs;
  }
}

export function unavailable(message: string, cause?: unknown): WarmingError {
  return new WarmingError(
    'ledger_unavailable',
    `Redis did not do what was asked: ${message}. Check that it runs and that its URL is right; what was under way is put in order when it is back.`,
    { cause },
  );
}

/** Undefined for what this process did itself. */
function noticeOf(text: string, self: string): LedgerNotice | undefined {
  if (text.startsWith('+')) return { kind: 'changed', pool: text.slice(1) };
  const gap = text.indexOf(' ');
  return text.slice(1, gap) === self ? undefined : { kind: 'taken', pool: text.slice(gap + 1) };
}
