import type { SlotRecord } from '../ledger/record.js';
import type { Fleet } from './fleet.js';

/** Somebody else changed or removed the record: whoever gets this has no right to the sandbox any more. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/**
 * A record in the hands of one writer. Its writes follow each other, and its lease is renewed while it is held, so that
 * nobody takes it for abandoned.
 */
export class SlotHold {
  readonly #fleet: Fleet;
  #record: SlotRecord;
  #tail: Promise<unknown> = Promise.resolve();
  #cancelBeat: (() => void) | undefined;

  constructor(fleet: Fleet, record: SlotRecord) {
    this.#fleet = fleet;
    this.#record = record;
  }

  get record(): SlotRecord {
    return this.#record;
  }

  /** @throws {@link Fenced} */
  write(change: (record: SlotRecord) => SlotRecord): Promise<SlotRecord> {
    const turn = this.#tail.then(async () => {
      const next = await this.#fleet.ledger.write(change(this.#record));
      if (!next) throw new Fenced(`Slot ${this.#record.slotId} was changed by another process.`);
      this.#record = next;
      return next;
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  /** Renews the lease until {@link rest}. */
  beat(): void {
    const { leaseMs } = this.#fleet.settings;
    this.#cancelBeat = this.#fleet.clock.schedule(leaseMs / 3, () => {
      this.write((record) => ({ ...record, dueAtMs: this.#fleet.ledger.nowMs() + leaseMs })).then(
        () => this.#cancelBeat && this.beat(),
        // The next real write finds out and acts on it.
        () => this.#cancelBeat && this.beat(),
      );
    });
  }

  /** Ends the renewal and waits for the write under way. */
  async rest(): Promise<SlotRecord> {
    this.#cancelBeat?.();
    this.#cancelBeat = undefined;
    await this.#tail;
    return this.#record;
  }
}
