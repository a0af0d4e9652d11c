import type { SlotRecord } from '../ledger/record.js';
import type { Fleet } from './fleet.js';
import type { Pool } from './pool.js';
import { resolveLost, retire } from './retire.js';
import { sweep } from './sweep.js';
import { checkClaim, finish } from './upkeep.js';

/** Notices of other processes within this time make one round, in milliseconds: those that may ask for work, and mere counts. */
const noticeMs = { changed: 100, taken: 1_000 } as const;
/** Most records looked at in one go. */
const batch = 256;

/** Notices what no event says: leases that ran out, and sandboxes nobody has a record of. Costs by what is due, not by what exists. */
export class Watch {
  readonly #fleet: Fleet;
  readonly #pools: ReadonlyMap<string, Pool>;
  readonly #cancel = new Map<string, () => void>();
  #unwatch: (() => void) | undefined;
  #epoch: string | undefined;
  running = false;

  constructor(fleet: Fleet, pools: ReadonlyMap<string, Pool>) {
    this.#fleet = fleet;
    this.#pools = pools;
  }

  /** Sweeps once, and from then on regularly. @throws what the first sweep throws */
  async start(): Promise<void> {
    if (this.running) return;
    const { ledger, settings } = this.#fleet;
    await this.#sweep();
    this.running = true;
    this.#unwatch = ledger.watch?.((notice) => {
      if (notice.kind === 'back') this.#fleet.background(undefined, () => this.#sweep());
      else this.#pools.get(notice.pool)?.wake(noticeMs[notice.kind]);
    });
    this.#every('due', Math.min(1_000, settings.leaseMs / 3), () => this.#lookAtDue());
    this.#every('sweep', settings.sweepMs, () => this.#sweep());
    this.#every('snapshots', settings.sweepMs, () => this.#fleet.links.sweep(settings.orphanGraceMs));
  }

  stop(): void {
    this.running = false;
    this.#unwatch?.();
    for (const cancel of this.#cancel.values()) cancel();
  }

  #every(name: string, delayMs: number, work: () => Promise<void>): void {
    const again = () => {
      if (this.running) this.#cancel.set(name, this.#fleet.clock.schedule(delayMs, turn));
    };
    const turn = () => this.#fleet.background(undefined, () => work().finally(again));
    again();
  }

  async #sweep(): Promise<void> {
    await this.#restoreClaims();
    const hot = new Map<string, number>();
    for (const { state, pool } of await sweep(this.#fleet)) {
      if (state.name === 'hot') hot.set(pool, (hot.get(pool) ?? 0) + 1);
    }
    // What another process changed may not have been told.
    for (const [name, pool] of this.#pools) {
      const count = hot.get(name) ?? 0;
      if (count !== pool.counts.hot || count !== pool.targets.hot) pool.wake();
    }
  }

  /** The ledger lost its data: what this process knows to be claimed goes back, before anybody takes it for an orphan. */
  async #restoreClaims(): Promise<void> {
    const { ledger, handles } = this.#fleet;
    const { id } = await ledger.epoch();
    if (this.#epoch !== undefined && this.#epoch !== id) {
      for (const handle of handles) if (!handle.isEnded) await ledger.restore(handle.record);
      for (const pool of this.#pools.values()) pool.wake();
    }
    this.#epoch = id;
  }

  async #lookAtDue(): Promise<void> {
    const { ledger } = this.#fleet;
    const due = await ledger.due(ledger.nowMs(), batch);
    for (const pool of new Set(due.map((record) => record.pool))) this.#pools.get(pool)?.wake();
    for (const record of due) if (!this.#pools.has(record.pool)) await this.#lookAfter(record);
  }

  /** A slot of a runtime that this process does not define. Others may; what nobody looks after ends. */
  async #lookAfter(record: SlotRecord): Promise<void> {
    const { ledger, settings } = this.#fleet;
    if (ledger.nowMs() - record.dueAtMs < settings.orphanGraceMs) return;
    switch (record.state.name) {
      case 'creating':
      case 'lost':
        return resolveLost(this.#fleet, record);
      case 'retiring':
        return finish(this.#fleet, record);
      case 'claimed':
        if (record.state.hold === 'acked') return checkClaim(this.#fleet, record);
        await retire(this.#fleet, record, 'unacknowledged');
        return;
      case 'warming':
      case 'hot':
      case 'parked':
      case 'kept':
        await retire(this.#fleet, record, 'runtime_removed');
        return;
    }
  }
}
