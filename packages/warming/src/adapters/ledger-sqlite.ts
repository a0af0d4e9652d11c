import Database from 'libsql';
import { type Clock, sleep, systemClock } from '../clock.js';
import { goalOf } from '../ledger/index-of.js';
import type { Ledger, LedgerEpoch, ReserveLimits, ReserveResult, TakeRequest, TakeResult } from '../ledger/ledger.js';
import { spend } from '../ledger/rate.js';
import type { SlotRecord, SnapshotLink } from '../ledger/record.js';
import { claimed, fits, repeated } from '../ledger/take.js';
import { Batch, type Outcome } from './batch.js';
import { isLocked, sqliteError } from './sqlite-errors.js';
import { SqliteTables } from './sqlite-tables.js';

/** Options of {@link sqliteLedger}. */
export interface SqliteLedgerOptions {
  /** File of the ledger; one fleet has one file. Made when it is not there. */
  path: string;
  /** Longest wait for another process that writes, in milliseconds. @default 5_000 */
  lockTimeoutMs?: number;
  /**
   * What a claim outlives: `power` waits for the disk at every write (`synchronous = FULL`), `process` leaves the last writes to
   * the operating system (`synchronous = NORMAL`), which is faster and loses them only when the machine itself stops. The
   * journal is a WAL in both, and writes asked for at once share one transaction, and so one wait.
   *
   * @default 'power'
   */
  survives?: 'power' | 'process';
  /** @default the system's clock */
  clock?: Clock;
}

/**
 * A ledger in a file, for one machine: it survives restarts, and several processes may share it. Pools changed by another
 * process are noticed when something is due, not at once.
 */
export function sqliteLedger(options: SqliteLedgerOptions): Ledger {
  return new SqliteLedger(options);
}

/** Writes that share one transaction: the event loop stands still for no more than these. */
const largestBatch = 64;

type Write = (tables: SqliteTables) => unknown;

class SqliteLedger implements Ledger {
  readonly name = 'sqlite';
  readonly shared = true;
  readonly #options: Required<SqliteLedgerOptions>;
  readonly #writes = new Batch<Write, unknown>((writes) => this.#writeAll(writes), largestBatch);
  #tables: SqliteTables | undefined;
  #latestMs = 0;

  constructor(options: SqliteLedgerOptions) {
    this.#options = { lockTimeoutMs: 5_000, survives: 'power', clock: systemClock, ...options };
  }

  async open(): Promise<void> {
    if (this.#tables) return;
    const { path, survives } = this.#options;
    let database: Database.Database | undefined;
    try {
      await this.#patiently(() => {
        database ??= new Database(path, { timeout: 0 });
        this.#tables = SqliteTables.open(database, survives === 'power', this.nowMs());
      });
    } catch (error) {
      this.#tables = undefined;
      database?.close();
      throw error;
    }
  }

  nowMs(): number {
    this.#latestMs = Math.max(this.#latestMs, this.#options.clock.nowMs());
    return this.#latestMs;
  }

  epoch(): Promise<LedgerEpoch> {
    return this.#read((tables) => tables.epoch());
  }

  reserve(record: SlotRecord, limits: ReserveLimits): Promise<ReserveResult> {
    return this.#write((tables) => {
      const present = tables.get(record.slotId);
      if (present) return { kind: 'exists', record: present };
      const running = tables.countRunning();
      if (tables.countPool(record.pool) >= limits.max) return { kind: 'full', bound: 'max', running };
      if (record.purpose !== 'claim' && tables.countGoal(goalOf(record)) >= limits.goal) {
        return { kind: 'full', bound: 'goal', running };
      }
      if (running >= limits.running) return { kind: 'full', bound: 'running', running };
      const { bucket, retryInMs } = spend(tables.bucket(), limits.rate, this.nowMs());
      tables.setBucket(bucket);
      if (retryInMs !== undefined) return { kind: 'wait', retryInMs };
      tables.put(record);
      return { kind: 'reserved', record, running: running + 1 };
    });
  }

  write(record: SlotRecord): Promise<SlotRecord | undefined> {
    return this.#write((tables) => {
      if (tables.get(record.slotId)?.version !== record.version) return undefined;
      if (!this.#mayBind(tables, record)) return undefined;
      const next = { ...record, version: record.version + 1 };
      tables.put(next);
      return next;
    });
  }

  remove(record: SlotRecord): Promise<boolean> {
    return this.#write((tables) => {
      if (tables.get(record.slotId)?.version !== record.version) return false;
      tables.delete(record.slotId);
      return true;
    });
  }

  read(slotId: string): Promise<SlotRecord | undefined> {
    return this.#read((tables) => tables.get(slotId));
  }

  find(claimKey: string): Promise<SlotRecord | undefined> {
    return this.#read((tables) => tables.byKey(claimKey));
  }

  take(request: TakeRequest): Promise<TakeResult> {
    return this.#write((tables) => {
      const { claim } = request;
      const bound = tables.byKey(claim.key);
      if (bound) return repeated(bound, request);
      const hold = tables.hold(claim.key);
      if (hold && (hold.specKey !== claim.specKey || hold.runtime !== claim.runtime)) {
        return { kind: 'conflict', runtime: hold.runtime };
      }
      if (hold && hold.claimId !== claim.claimId && hold.untilMs > this.nowMs())
        return { kind: 'held', untilMs: hold.untilMs };
      const claims = tables.countTenant(claim.tenant);
      if (claims >= request.tenantMax) return { kind: 'tenant_full', claims };
      let passed = 0;
      for (const shelf of request.shelves) {
        for (const record of tables.onShelf(shelf)) {
          if (!fits(record, request)) {
            passed += 1;
            continue;
          }
          const next = { ...claimed(record, request), version: record.version + 1 };
          tables.put(next);
          return { kind: 'taken', record: next, from: record.state.name as 'hot' | 'parked' | 'kept', repeated: false };
        }
      }
      if (request.holdUntilMs !== undefined) tables.setHold(claim, request.holdUntilMs);
      return { kind: 'empty', passed };
    });
  }

  unhold(claimKey: string, claimId: string): Promise<void> {
    return this.#write((tables) => tables.deleteHold(claimKey, claimId));
  }

  view(pool: string): Promise<readonly SlotRecord[]> {
    return this.#read((tables) => tables.ofPool(pool));
  }

  due(beforeMs: number, limit: number): Promise<readonly SlotRecord[]> {
    return this.#read((tables) => tables.due(beforeMs, limit));
  }

  all(): Promise<readonly SlotRecord[]> {
    return this.#read((tables) => tables.all());
  }

  restore(record: SlotRecord): Promise<boolean> {
    return this.#write((tables) => {
      const present = tables.get(record.slotId);
      if ((present && present.version >= record.version) || !this.#mayBind(tables, record)) return false;
      tables.put(record);
      return true;
    });
  }

  link(specKey: string): Promise<SnapshotLink | undefined> {
    return this.#read((tables) => tables.links().find((link) => link.specKey === specKey));
  }

  saveLink(link: SnapshotLink): Promise<SnapshotLink> {
    return this.#write((tables) => tables.putLink(link));
  }

  dropLink(specKey: string, snapshotId: string): Promise<boolean> {
    return this.#write((tables) => tables.deleteLink(specKey, snapshotId));
  }

  links(): Promise<readonly SnapshotLink[]> {
    return this.#read((tables) => tables.links());
  }

  async close(): Promise<void> {
    this.#tables?.close();
    this.#tables = undefined;
  }

  #mayBind(tables: SqliteTables, record: SlotRecord): boolean {
    if (record.state.name !== 'claimed') return true;
    const { key, claimId } = record.state.claim;
    const bound = tables.byKey(key);
    if (bound) return bound.slotId === record.slotId;
    const hold = tables.hold(key);
    return !hold || hold.claimId === claimId || hold.untilMs <= this.nowMs();
  }

  async #read<Value>(work: (tables: SqliteTables) => Value): Promise<Value> {
    await this.open();
    return this.#patiently(() => work(this.#opened()));
  }

  /** The work runs in a transaction that no other process writes in between. */
  async #write<Value>(work: (tables: SqliteTables) => Value): Promise<Value> {
    await this.open();
    let value: Value;
    await this.#writes.add((tables) => {
      value = work(tables);
    });
    return value!;
  }

  /** All in one transaction; when one of them fails, each in its own. */
  async #writeAll(writes: readonly Write[]): Promise<Outcome<unknown>[]> {
    try {
      await this.#patiently(() =>
        this.#opened().transaction((tables) => {
          for (const write of writes) write(tables);
        }),
      );
      return writes.map(() => ({ value: undefined }));
    } catch (error) {
      if (writes.length === 1) return [{ error }];
      return (await Promise.all(writes.map((write) => this.#writeAll([write])))).flat();
    }
  }

  #opened(): SqliteTables {
    if (!this.#tables) throw sqliteError(new Error('The ledger is closed'), this.#options.path);
    return this.#tables;
  }

  /** Waits while another process writes, without keeping this one from anything else. */
  async #patiently<Value>(work: () => Value): Promise<Value> {
    const { clock, lockTimeoutMs, path } = this.#options;
    const endMs = clock.monotonicMs() + lockTimeoutMs;
    for (let waitMs = 1; ; waitMs = Math.min(50, waitMs * 2)) {
      try {
        return work();
      } catch (error) {
        if (!isLocked(error) || clock.monotonicMs() >= endMs) throw sqliteError(error, path);
        await sleep(clock, waitMs);
      }
    }
  }
}
