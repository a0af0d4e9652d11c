import type { Clock } from '../clock.js';
import { Calendar } from './calendar.js';
import { goalOf } from './index-of.js';
import type {
  CreateRate,
  Ledger,
  LedgerEpoch,
  ReserveLimits,
  ReserveResult,
  TakeRequest,
  TakeResult,
} from './ledger.js';
import { type Bucket, spend } from './rate.js';
import { countsAsRunning, countsForGoal, type SlotRecord, type SnapshotLink, shelfOf } from './record.js';
import { Shelves } from './shelves.js';
import { claimed, fits, repeated } from './take.js';

/**
 * A ledger that lives as long as its process. The whole of each method runs without an `await`, which makes it atomic.
 */
export class MemoryLedger implements Ledger {
  readonly name = 'memory';
  readonly shared = false;
  readonly #clock: Clock;
  readonly #epoch: LedgerEpoch;
  readonly #slots = new Map<string, SlotRecord>();
  readonly #pools = new Shelves();
  readonly #idle = new Shelves();
  readonly #calendar = new Calendar();
  /** Claim key to the slot that is bound to it, or to who holds it. */
  readonly #keys = new Map<
    string,
    { slotId: string } | { claimId: string; specKey: string; runtime: string; untilMs: number }
  >();
  readonly #goals = new Map<string, number>();
  readonly #tenants = new Map<string, number>();
  readonly #links = new Map<string, SnapshotLink>();
  #running = 0;
  #bucket: Bucket | undefined;
  #latestMs = 0;

  constructor(clock: Clock, epochId: string) {
    this.#clock = clock;
    this.#epoch = { id: epochId, startedAtMs: this.nowMs() };
  }

  async open(): Promise<void> {}

  async epoch(): Promise<LedgerEpoch> {
    return this.#epoch;
  }

  nowMs(): number {
    this.#latestMs = Math.max(this.#latestMs, this.#clock.nowMs());
    return this.#latestMs;
  }

  async reserve(record: SlotRecord, limits: ReserveLimits): Promise<ReserveResult> {
    const present = this.#slots.get(record.slotId);
    if (present) return { kind: 'exists', record: present };
    if (this.#pools.size(record.pool) >= limits.max) return { kind: 'full', bound: 'max', running: this.#running };
    if (record.purpose !== 'claim' && (this.#goals.get(goalOf(record)) ?? 0) >= limits.goal) {
      return { kind: 'full', bound: 'goal', running: this.#running };
    }
    if (this.#running >= limits.running) return { kind: 'full', bound: 'running', running: this.#running };
    const retryInMs = this.#spend(limits.rate);
    if (retryInMs !== undefined) return { kind: 'wait', retryInMs };
    this.#put(record);
    return { kind: 'reserved', record, running: this.#running };
  }

  async write(record: SlotRecord): Promise<SlotRecord | undefined> {
    const present = this.#slots.get(record.slotId);
    if (present?.version !== record.version) return undefined;
    if (record.state.name === 'claimed' && !this.#mayBind(record.slotId, record.state.claim)) return undefined;
    const next = { ...record, version: record.version + 1 };
    this.#replace(present, next);
    return next;
  }

  async remove(record: SlotRecord): Promise<boolean> {
    const present = this.#slots.get(record.slotId);
    if (present?.version !== record.version) return false;
    this.#replace(present, undefined);
    return true;
  }

  async read(slotId: string): Promise<SlotRecord | undefined> {
    return this.#slots.get(slotId);
  }

  async find(claimKey: string): Promise<SlotRecord | undefined> {
    const bound = this.#keys.get(claimKey);
    return bound && 'slotId' in bound ? this.#slots.get(bound.slotId) : undefined;
  }

  async take(request: TakeRequest): Promise<TakeResult> {
    const { claim } = request;
    const bound = this.#keys.get(claim.key);
    if (bound && 'slotId' in bound) return repeated(this.#slots.get(bound.slotId)!, request);
    if (bound && (bound.specKey !== claim.specKey || bound.runtime !== claim.runtime))
      return { kind: 'conflict', runtime: bound.runtime };
    if (bound && bound.claimId !== claim.claimId && bound.untilMs > this.nowMs()) {
      return { kind: 'held', untilMs: bound.untilMs };
    }
    const claims = this.#tenants.get(claim.tenant) ?? 0;
    if (claims >= request.tenantMax) return { kind: 'tenant_full', claims };
    let passed = 0;
    for (const shelf of request.shelves) {
      for (const slotId of this.#idle.get(shelf)) {
        const present = this.#slots.get(slotId)!;
        if (!fits(present, request)) {
          passed += 1;
          continue;
        }
        const from = present.state.name as 'hot' | 'parked' | 'kept';
        const next = { ...claimed(present, request), version: present.version + 1 };
        this.#replace(present, next);
        return { kind: 'taken', record: next, from, repeated: false };
      }
    }
    if (request.holdUntilMs !== undefined) {
      const { claimId, specKey, runtime } = claim;
      this.#keys.set(claim.key, { claimId, specKey, runtime, untilMs: request.holdUntilMs });
    }
    return { kind: 'empty', passed };
  }

  async unhold(claimKey: string, claimId: string): Promise<void> {
    const bound = this.#keys.get(claimKey);
    if (bound && 'claimId' in bound && bound.claimId === claimId) this.#keys.delete(claimKey);
  }

  async view(pool: string): Promise<readonly SlotRecord[]> {
    return [...this.#pools.get(pool)].map((slotId) => this.#slots.get(slotId)!);
  }

  async due(beforeMs: number, limit: number): Promise<readonly SlotRecord[]> {
    return this.#calendar.due(beforeMs, limit).map((slotId) => this.#slots.get(slotId)!);
  }

  async all(): Promise<readonly SlotRecord[]> {
    return [...this.#slots.values()];
  }

  async restore(record: SlotRecord): Promise<boolean> {
    const present = this.#slots.get(record.slotId);
    if (present && present.version >= record.version) return false;
    if (record.state.name === 'claimed' && !this.#mayBind(record.slotId, record.state.claim)) return false;
    if (present) this.#replace(present, record);
    else this.#put(record);
    return true;
  }

  async link(specKey: string): Promise<SnapshotLink | undefined> {
    return this.#links.get(specKey);
  }

  async saveLink(link: SnapshotLink): Promise<SnapshotLink> {
    const present = this.#links.get(link.specKey);
    if (present) return present;
    this.#links.set(link.specKey, link);
    return link;
  }

  async dropLink(specKey: string, snapshotId: string): Promise<boolean> {
    return this.#links.get(specKey)?.snapshotId === snapshotId && this.#links.delete(specKey);
  }

  async links(): Promise<readonly SnapshotLink[]> {
    return [...this.#links.values()];
  }

  async close(): Promise<void> {}

  #mayBind(slotId: string, claim: { key: string; claimId: string }): boolean {
    const bound = this.#keys.get(claim.key);
    if (!bound) return true;
    return 'slotId' in bound
      ? bound.slotId === slotId
      : bound.claimId === claim.claimId || bound.untilMs <= this.nowMs();
  }

  #spend(rate: CreateRate): number | undefined {
    const { bucket, retryInMs } = spend(this.#bucket, rate, this.nowMs());
    this.#bucket = bucket;
    return retryInMs;
  }

  #replace(present: SlotRecord, next: SlotRecord | undefined): void {
    this.#slots.delete(present.slotId);
    this.#pools.drop(present.pool, present.slotId);
    this.#idle.drop(shelfOf(present), present.slotId);
    this.#calendar.drop(present.slotId, present.dueAtMs);
    this.#count(present, -1);
    if (present.state.name === 'claimed') this.#keys.delete(present.state.claim.key);
    if (next) this.#put(next);
  }

  #put(record: SlotRecord): void {
    this.#slots.set(record.slotId, record);
    this.#pools.put(record.pool, record.slotId);
    this.#idle.put(shelfOf(record), record.slotId);
    this.#calendar.put(record.slotId, record.dueAtMs);
    this.#count(record, 1);
    if (record.state.name === 'claimed') this.#keys.set(record.state.claim.key, { slotId: record.slotId });
  }

  #count(record: SlotRecord, by: 1 | -1): void {
    if (countsForGoal(record)) add(this.#goals, goalOf(record), by);
    if (record.state.name === 'claimed') add(this.#tenants, record.state.claim.tenant, by);
    if (countsAsRunning(record)) this.#running += by;
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
