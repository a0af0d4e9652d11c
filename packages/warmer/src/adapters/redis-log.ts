import type { WireEvent } from '@pilotlight/warming/wire';
import type { Redis } from 'ioredis';
import type { EventAudience, EventDraft, EventLog } from '../events/log.js';
import { RingLog } from '../events/ring-log.js';
import type { StoreLogger } from '../stores.js';

const keptEvents = 100_000;
const ringEvents = 20_000;
const blockMs = 5_000;

/**
 * The stream of all replicas, in one Redis stream: every replica adds to it and reads all of it, so each event has the
 * same place everywhere. While Redis is away, events wait with the client and go out when it is back.
 */
export class RedisEventLog extends RingLog implements EventLog {
  readonly #writer: Redis;
  readonly #reader: Redis;
  readonly #stream: string;
  readonly #logger: StoreLogger;
  readonly #now: () => number;
  #closed = false;

  private constructor(parts: RedisLogParts, startId: string) {
    super(ringEvents, startId);
    this.#writer = parts.writer;
    this.#reader = parts.reader;
    this.#stream = `${parts.prefix}:events`;
    this.#logger = parts.logger;
    this.#now = parts.now;
    void this.#read();
  }

  /** Begins at the newest event there is. */
  static async open(parts: RedisLogParts): Promise<RedisEventLog> {
    const newest = await parts.writer.xrevrange(`${parts.prefix}:events`, '+', '-', 'COUNT', 1);
    return new RedisEventLog(parts, newest[0]?.[0] ?? '0-0');
  }

  append(draft: EventDraft, audience: EventAudience): void {
    const body = JSON.stringify({ draft: { ...draft, atMs: this.#now() }, audience });
    this.#writer
      .xadd(this.#stream, 'MAXLEN', '~', keptEvents, '*', 'body', body)
      .catch((error: unknown) => this.#logger.warn({ err: error, type: draft.type }, 'an event was lost'));
  }

  override async close(): Promise<void> {
    this.#closed = true;
    await super.close();
    this.#reader.disconnect();
  }

  async #read(): Promise<void> {
    while (!this.#closed) {
      try {
        const answer = await this.#reader.xread('COUNT', 500, 'BLOCK', blockMs, 'STREAMS', this.#stream, this.head());
        for (const [id, fields] of answer?.[0]?.[1] ?? []) this.#told(id, fields[1]);
      } catch (error) {
        if (this.#closed) return;
        this.#logger.warn({ err: error }, 'events cannot be read; trying again');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  #told(id: string, body: string | undefined): void {
    const { draft, audience } = JSON.parse(body ?? '{}') as { draft: WireEvent; audience: EventAudience };
    this.take({ event: { ...draft, id }, audience });
  }
}

interface RedisLogParts {
  writer: Redis;
  /** A connection of its own: it waits in the server most of the time. */
  reader: Redis;
  prefix: string;
  logger: StoreLogger;
  now: () => number;
}
