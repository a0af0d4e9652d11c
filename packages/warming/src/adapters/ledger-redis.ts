import { z } from 'zod';
import { type Clock, systemClock } from '../clock.js';
import type {
  Ledger,
  LedgerEpoch,
  LedgerNotice,
  ReserveLimits,
  ReserveResult,
  TakeRequest,
  TakeResult,
} from '../ledger/ledger.js';
import type { SlotRecord, SnapshotLink } from '../ledger/record.js';
import { repeated } from '../ledger/take.js';
import { Batch, type Outcome } from './batch.js';
import { cellOf, linkOf, parse, recordOf, recordOfLine, takenRecord, takingLine } from './redis-cells.js';
import { RedisConnection, unavailable } from './redis-connection.js';

/** Options of {@link redisLedger}. */
export interface RedisLedgerOptions {
  /** For example `redis://127.0.0.1:6379`. */
  url: string;
  /** Name of the fleet, the same for all its replicas and another for each other fleet in this Redis. */
  fleet: string;
  /** Longest wait for an answer, in milliseconds. @default 5_000 */
  commandTimeoutMs?: number;
  /**
   * Replicas of this Redis that must have a change before it counts. With 0, a failover may lose the last changes: claims that
   * this process knows go back, but one of another process may be handed out a second time.
   *
   * @default 0
   */
  copies?: number;
  /** Further options of ioredis, for TLS, sentinels or credentials. */
  connection?: Record<string, unknown>;
  /** @default the system's clock */
  clock?: Clock;
}

/**
 * A ledger in Redis, for many replicas on many machines. Each method is one script, which Redis runs alone, and one that
 * may be repeated, so that an answer lost on its way does no harm.
 *
 * Redis must keep what it acknowledged: `appendonly yes`, and `maxmemory-policy noeviction`, which is checked at `open` and at
 * each sweep.
 */
export function redisLedger(options: RedisLedgerOptions): Ledger {
  return new RedisLedger(options);
}

/** Takes that Redis is asked for at once, so that nobody else waits long for it. */
const largestBatch = 8;
const pair = z.array(z.string().nullable());
const texts = z.array(z.string());
const scanned = z.tuple([z.string(), texts]);
const epochShape = z.tuple([z.string(), z.number()]);

class RedisLedger implements Ledger {
  readonly name = 'redis';
  readonly shared = true;
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #takes = new Batch<TakeRequest, TakeResult>((requests) => this.#takeAll(requests), largestBatch);

  constructor({
    url,
    fleet,
    commandTimeoutMs = 5_000,
    copies = 0,
    connection = {},
    clock = systemClock,
  }: RedisLedgerOptions) {
    this.#prefix = `pilotlight:{${fleet}}:`;
    this.#connection = new RedisConnection({ url, prefix: this.#prefix, commandTimeoutMs, copies, connection, clock });
  }

  open(): Promise<void> {
    return this.#connection.open();
  }

  nowMs(): number {
    return this.#connection.nowMs();
  }

  async epoch(): Promise<LedgerEpoch> {
    const run = await this.#connection.check();
    const [id, startedAtMs] = epochShape.parse(
      parse(await this.#connection.change('ledgerEpoch', crypto.randomUUID(), run)),
    );
    return { id, startedAtMs };
  }

  async reserve(record: SlotRecord, limits: ReserveLimits): Promise<ReserveResult> {
    const { perSecond, burst, leave } = limits.rate;
    const { head, json } = cellOf(record);
    const goal = record.purpose === 'claim' ? -1 : limits.goal;
    const bounds = [limits.max, goal, limits.running, perSecond, burst, leave];
    const [kind, value, running] = pair.parse(
      await this.#connection.change('ledgerReserve', record.slotId, head, json, ...bounds),
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
    const { head, json } = cellOf(next);
    const values = [record.slotId, record.version, head, json, claimIdOf(next)];
    return (await this.#connection.change('ledgerWrite', ...values)) === 1 ? next : undefined;
  }

  async remove(record: SlotRecord): Promise<boolean> {
    return (await this.#connection.change('ledgerRemove', record.slotId, record.version)) === 1;
  }

  async read(slotId: string): Promise<SlotRecord | undefined> {
    const cell = await this.#connection.read('ledgerRead', slotId);
    return typeof cell === 'string' ? recordOf(cell) : undefined;
  }

  async find(claimKey: string): Promise<SlotRecord | undefined> {
    const cell = await this.#connection.read('ledgerFind', claimKey);
    return typeof cell === 'string' ? recordOf(cell) : undefined;
  }

  take(request: TakeRequest): Promise<TakeResult> {
    return this.#takes.add(request);
  }

  async unhold(claimKey: string, claimId: string): Promise<void> {
    await this.#connection.change('ledgerUnhold', claimKey, claimId);
  }

  async view(pool: string): Promise<readonly SlotRecord[]> {
    return texts.parse(await this.#connection.read('ledgerView', pool)).map(recordOf);
  }

  async due(beforeMs: number, limit: number): Promise<readonly SlotRecord[]> {
    return texts.parse(await this.#connection.read('ledgerDue', beforeMs, limit)).map(recordOf);
  }

  async all(): Promise<readonly SlotRecord[]> {
    const found = new Map<string, SlotRecord>();
    let cursor = '0';
    do {
      const [next, cells] = scanned.parse(await this.#connection.read('ledgerScan', cursor));
      for (const record of cells.map(recordOf)) found.set(record.slotId, record);
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()];
  }

  async restore(record: SlotRecord): Promise<boolean> {
    const { head, json } = cellOf(record);
    return (await this.#connection.change('ledgerRestore', record.slotId, head, json, claimIdOf(record))) === 1;
  }

  async link(specKey: string): Promise<SnapshotLink | undefined> {
    const json = await this.#connection.guard(() => this.#connection.redis.hget(`${this.#prefix}links`, specKey));
    return json === null ? undefined : linkOf(json);
  }

  async saveLink(link: SnapshotLink): Promise<SnapshotLink> {
    return linkOf(await this.#connection.change('ledgerSaveLink', link.specKey, JSON.stringify(link)));
  }

  async dropLink(specKey: string, snapshotId: string): Promise<boolean> {
    return (await this.#connection.change('ledgerDropLink', specKey, snapshotId)) === 1;
  }

  async links(): Promise<readonly SnapshotLink[]> {
    const { redis } = this.#connection;
    return (await this.#connection.guard(() => redis.hvals(`${this.#prefix}links`))).map(linkOf);
  }

  watch(listener: (notice: LedgerNotice) => void): () => void {
    return this.#connection.watch(listener);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #takeAll(requests: readonly TakeRequest[]): Promise<Outcome<TakeResult>[]> {
    const values: (string | number)[] = [this.#connection.self, requests.length];
    for (const request of requests) {
      const { claim } = request;
      values.push(
        11 + request.shelves.length,
        claim.key,
        claim.claimId,
        claim.specKey,
        claim.runtime,
        claim.tenant,
        request.tenantMax >= Number.MAX_SAFE_INTEGER ? '' : request.tenantMax,
        request.holdUntilMs ?? 0,
        request.hardEndsAfterMs,
        request.endsAfterMs,
        request.leaseUntilMs,
        takingLine(request),
        ...request.shelves,
      );
    }
    const answers = await this.#connection.change('ledgerTake', ...values);
    return requests.map((request, index) => {
      try {
        return { value: takeResultOf(request, Array.isArray(answers) ? answers[index] : undefined) };
      } catch (error) {
        return { error };
      }
    });
  }
}

/** @throws `ledger_unavailable`, `ledger_corrupt` */
function takeResultOf(request: TakeRequest, answer: unknown): TakeResult {
  const [kind, value]: unknown[] = Array.isArray(answer) ? answer : ['error', 'it gave no answer'];
  switch (kind) {
    case 'taken': {
      const base = recordOfLine(value);
      const { name } = base.state;
      const from = name === 'parked' || name === 'kept' ? name : 'hot';
      return { kind, record: takenRecord(base, request), from, repeated: false };
    }
    case 'bound':
      return repeated(recordOf(value), request);
    case 'held':
      return { kind, untilMs: Number(value) };
    case 'conflict':
      return { kind, runtime: String(value) };
    case 'tenant_full':
      return { kind, claims: Number(value) };
    case 'empty':
      return { kind, passed: Number(value) };
    default:
      throw unavailable(String(value));
  }
}

function claimIdOf({ state }: SlotRecord): string {
  return state.name === 'claimed' ? state.claim.claimId : '';
}
