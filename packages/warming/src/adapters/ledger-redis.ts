import { Redis } from 'ioredis';
import { z } from 'zod';
import { type Clock, systemClock } from '../clock.js';
import { WarmingError } from '../errors.js';
import { indexOf } from '../ledger/index-of.js';
import type { Ledger, LedgerEpoch, ReserveLimits, ReserveResult, TakeRequest, TakeResult } from '../ledger/ledger.js';
import type { SlotRecord, SnapshotLink } from '../ledger/record.js';
import { repeated } from '../ledger/take.js';
import { redisScripts } from './redis-scripts.js';

/** Options of {@link redisLedger}. */
export interface RedisLedgerOptions {
  /** For example `redis://127.0.0.1:6379`. */
  url: string;
  /** Name of the fleet, the same for all its replicas and another for each other fleet in this Redis. */
  fleet: string;
  /** Longest wait for an answer, in milliseconds. @default 5_000 */
  commandTimeoutMs?: number;
  /** Further options of ioredis, for TLS, sentinels or credentials. */
  connection?: Record<string, unknown>;
  /** @default the system's clock */
  clock?: Clock;
}

/**
 * A ledger in Redis, for many replicas on many machines. Each method is one script, which Redis runs alone, and one that
 * may be repeated, so that an answer lost on its way does no harm.
 *
 * Redis must keep what it acknowledged: `appendonly yes`, and `maxmemory-policy noeviction`, which is checked at `open`.
 */
export function redisLedger(options: RedisLedgerOptions): Ledger {
  return new RedisLedger(options);
}

/** How often the difference between Redis' clock and ours is measured, in milliseconds. */
const clockCheckMs = 60_000;
const pair = z.array(z.string().nullable());
const texts = z.array(z.string());

class RedisLedger implements Ledger {
  readonly name = 'redis';
  readonly shared = true;
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #listeners = new Set<(pool: string) => void>();
  #subscriber: Redis | undefined;
  #opening: Promise<void> | undefined;
  #offsetMs: number;
  #measuredMs = Number.NEGATIVE_INFINITY;
  #latestMs = 0;

  constructor({ url, fleet, commandTimeoutMs = 5_000, connection = {}, clock = systemClock }: RedisLedgerOptions) {
    this.#clock = clock;
    this.#prefix = `pilotlight:{${fleet}}:`;
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
    this.#redis = new Redis(url, {
      lazyConnect: true,
      enableAutoPipelining: true,
      maxRetriesPerRequest: 3,
      commandTimeout: commandTimeoutMs,
      connectTimeout: commandTimeoutMs,
      retryStrategy: (times) => Math.min(1_000, 50 * times),
      scripts: Object.fromEntries(Object.entries(redisScripts).map(([name, lua]) => [name, { lua, numberOfKeys: 1 }])),
      ...connection,
    });
    // Without a listener ioredis prints; the commands that fail tell the engine.
    this.#redis.on('error', () => undefined);
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
    this.#latestMs = Math.max(this.#latestMs, Math.round(this.#clock.monotonicMs() + this.#offsetMs));
    return this.#latestMs;
  }

  async epoch(): Promise<LedgerEpoch> {
    await this.#measureClock();
    return z
      .object({ id: z.string(), startedAtMs: z.number() })
      .parse(parse(await this.#run('ledgerEpoch', crypto.randomUUID())));
  }

  async reserve(record: SlotRecord, limits: ReserveLimits): Promise<ReserveResult> {
    const { perSecond, burst, leave } = limits.rate;
    const goal = record.purpose === 'claim' ? -1 : limits.goal;
    const [kind, value, running] = pair.parse(
      await this.#run(
        'ledgerReserve',
        record.slotId,
        JSON.stringify(record),
        fieldsOf(record),
        limits.max,
        goal,
        limits.running,
        perSecond,
        burst,
        leave,
      ),
    );
    switch (kind) {
      case 'reserved':
        return { kind, record, running: Number(value) };
      case 'exists':
        return { kind, record: recordOf(value) };
      case 'wait':
        return { kind, retryInMs: Number(value) };
      default:
        return {
          kind: 'full',
          bound: value === 'max' || value === 'goal' ? value : 'running',
          running: Number(running),
        };
    }
  }

  async write(record: SlotRecord): Promise<SlotRecord | undefined> {
    const next = { ...record, version: record.version + 1 };
    const claimId = next.state.name === 'claimed' ? next.state.claim.claimId : '';
    const written = await this.#run(
      'ledgerWrite',
      record.slotId,
      record.version,
      JSON.stringify(next),
      fieldsOf(next),
      claimId,
    );
    return written === 1 ? next : undefined;
  }

  async remove(record: SlotRecord): Promise<boolean> {
    return (await this.#run('ledgerRemove', record.slotId, record.version)) === 1;
  }

  async read(slotId: string): Promise<SlotRecord | undefined> {
    const json = await this.#guard(() => this.#redis.hget(`${this.#prefix}slots`, slotId));
    return json === null ? undefined : recordOf(json);
  }

  async find(claimKey: string): Promise<SlotRecord | undefined> {
    const json = await this.#run('ledgerFind', claimKey);
    return typeof json === 'string' ? recordOf(json) : undefined;
  }

  async take(request: TakeRequest): Promise<TakeResult> {
    const { claim, owner, preparing } = request;
    const state = { name: 'claimed', claim, hold: preparing ? 'preparing' : 'leased' };
    const [kind, value, from] = pair.parse(
      await this.#run(
        'ledgerTake',
        claim.key,
        claim.claimId,
        claim.specKey,
        claim.runtime,
        claim.tenant,
        request.tenantMax,
        request.holdUntilMs ?? 0,
        request.hardEndsAfterMs,
        request.endsAfterMs,
        request.leaseUntilMs,
        JSON.stringify({ state, owner }),
        ...request.shelves,
      ),
    );
    switch (kind) {
      case 'taken':
        return {
          kind,
          record: recordOf(value),
          from: from === 'parked' || from === 'kept' ? from : 'hot',
          repeated: false,
        };
      case 'bound':
        return repeated(recordOf(value), request);
      case 'held':
        return { kind, untilMs: Number(value) };
      case 'conflict':
        return { kind, runtime: value ?? '' };
      case 'tenant_full':
        return { kind, claims: Number(value) };
      default:
        return { kind: 'empty', passed: Number(value) };
    }
  }

  async unhold(claimKey: string, claimId: string): Promise<void> {
    await this.#run('ledgerUnhold', claimKey, claimId);
  }

  async view(pool: string): Promise<readonly SlotRecord[]> {
    return texts.parse(await this.#run('ledgerView', pool)).map(recordOf);
  }

  async due(beforeMs: number, limit: number): Promise<readonly SlotRecord[]> {
    return texts.parse(await this.#run('ledgerDue', beforeMs, limit)).map(recordOf);
  }

  async all(): Promise<readonly SlotRecord[]> {
    const found = new Map<string, SlotRecord>();
    let cursor = '0';
    do {
      const [next, entries] = await this.#guard(() =>
        this.#redis.hscan(`${this.#prefix}slots`, cursor, 'COUNT', 1_000),
      );
      for (let index = 1; index < entries.length; index += 2) {
        const record = recordOf(entries[index]);
        found.set(record.slotId, record);
      }
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()];
  }

  async restore(record: SlotRecord): Promise<boolean> {
    const claimId = record.state.name === 'claimed' ? record.state.claim.claimId : '';
    return (await this.#run('ledgerRestore', record.slotId, JSON.stringify(record), fieldsOf(record), claimId)) === 1;
  }

  async link(specKey: string): Promise<SnapshotLink | undefined> {
    const json = await this.#guard(() => this.#redis.hget(`${this.#prefix}links`, specKey));
    return json === null ? undefined : linkOf(json);
  }

  async saveLink(link: SnapshotLink): Promise<SnapshotLink> {
    return linkOf(await this.#run('ledgerSaveLink', link.specKey, JSON.stringify(link)));
  }

  async dropLink(specKey: string, snapshotId: string): Promise<boolean> {
    return (await this.#run('ledgerDropLink', specKey, snapshotId)) === 1;
  }

  async links(): Promise<readonly SnapshotLink[]> {
    return (await this.#guard(() => this.#redis.hvals(`${this.#prefix}links`))).map(linkOf);
  }

  watch(listener: (pool: string) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#subscriber) {
      const subscriber = this.#redis.duplicate({
        commandTimeout: 60_000,
        maxRetriesPerRequest: null,
        enableAutoPipelining: false,
      });
      this.#subscriber = subscriber;
      subscriber.on('error', () => undefined);
      subscriber.on('message', (_channel: string, pool: string) => {
        for (const each of this.#listeners) each(pool);
      });
      // What was missed while there was no connection is found when it is due.
      subscriber.subscribe(`${this.#prefix}changed`).catch(() => undefined);
    }
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#subscriber?.disconnect();
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => this.#redis.disconnect());
    else this.#redis.disconnect();
  }

  async #open(): Promise<void> {
    await this.#guard(async () => {
      if (this.#redis.status === 'wait') await this.#redis.connect();
    });
    await this.#measureClock();
    const policy = await this.#redis.config('GET', 'maxmemory-policy').catch(() => undefined);
    const found = Array.isArray(policy) ? String(policy[1]) : 'noeviction';
    if (found !== 'noeviction') {
      throw new WarmingError(
        'ledger_unavailable',
        `This Redis evicts keys when its memory is short (maxmemory-policy ${found}), which would lose sandboxes. Set "maxmemory-policy noeviction", or use another Redis.`,
      );
    }
  }

  async #measureClock(): Promise<void> {
    const beforeMs = this.#clock.monotonicMs();
    if (beforeMs - this.#measuredMs < clockCheckMs) return;
    const [seconds, microseconds] = await this.#guard(() => this.#redis.time());
    const middleMs = (beforeMs + this.#clock.monotonicMs()) / 2;
    this.#offsetMs = Number(seconds) * 1000 + Number(microseconds) / 1000 - middleMs;
    this.#measuredMs = beforeMs;
  }

  #run(script: keyof typeof redisScripts, ...values: (string | number)[]): Promise<unknown> {
    return this.#guard(async () => {
      const command: unknown = Reflect.get(this.#redis, script);
      if (typeof command !== 'function') throw new TypeError(`ioredis has no script ${script}.`);
      return Reflect.apply(command, this.#redis, [this.#prefix, ...values]);
    });
  }

  async #guard<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new WarmingError(
        'ledger_unavailable',
        `Redis did not do what was asked: ${message}. Check that it runs and that its URL is right; what was under way is put in order when it is back.`,
        { cause: error },
      );
    }
  }
}

/** What the scripts find and count a record by; their order is theirs. */
function fieldsOf(record: SlotRecord): string {
  const { shelf, goal, running, tenant, claimKey } = indexOf(record);
  const endsAtMs = record.state.name === 'hot' ? record.state.endsAtMs : -1;
  return JSON.stringify([
    record.version,
    record.pool,
    shelf ?? '',
    record.dueAtMs,
    goal ?? '',
    running ? 1 : 0,
    tenant ?? '',
    claimKey ?? '',
    record.hardEndsAtMs,
    endsAtMs,
  ]);
}

const recordShape = z.looseObject({
  slotId: z.string(),
  version: z.number(),
  pool: z.string(),
  state: z.looseObject({ name: z.string() }),
});
const linkShape = z.object({ specKey: z.string(), snapshotId: z.string(), createdAtMs: z.number() });

function recordOf(json: string | null | undefined): SlotRecord {
  const value = parse(json);
  if (!recordShape.safeParse(value).success) throw corrupt(json);
  return value as SlotRecord;
}

function linkOf(json: unknown): SnapshotLink {
  const parsed = linkShape.safeParse(parse(json));
  if (!parsed.success) throw corrupt(json);
  return parsed.data;
}

function parse(json: unknown): unknown {
  try {
    return JSON.parse(String(json));
  } catch {
    throw corrupt(json);
  }
}

function corrupt(json: unknown): WarmingError {
  return new WarmingError(
    'ledger_corrupt',
    `A record in Redis makes no sense (${String(json).slice(0, 60)}…). Another program writes under the same prefix; give the fleet a name of its own.`,
  );
}
