import type { Claim, ClaimSource } from '../claim.js';
import { WarmingError } from '../errors.js';
import type { ClaimRecord, SlotRecord } from '../ledger/record.js';
import type { Fleet } from '../pool/fleet.js';
import { claimErrorOf } from '../pool/provider-errors.js';
import { retire } from '../pool/retire.js';
import type { SandboxConnection } from '../provider.js';

export interface HandleDetails {
  readonly fleet: Fleet;
  readonly record: SlotRecord;
  readonly claim: ClaimRecord;
  readonly connection: SandboxConnection;
  readonly environment: () => Readonly<Record<string, string>>;
  readonly latencyMs: number;
  readonly lifeMs: number;
}

/** Exclusive use of one sandbox. Its changes follow each other, so that a late one never undoes a newer one. */
export class ClaimHandle implements Claim {
  readonly claimId: string;
  readonly key: string;
  readonly runtime: string;
  readonly userId: string | undefined;
  readonly source: ClaimSource;
  readonly latencyMs: number;
  readonly keep?: () => Promise<void>;
  readonly #details: HandleDetails;
  #record: SlotRecord;
  #expiresAtMs: number;
  #tail: Promise<unknown> = Promise.resolve();
  #ack: Promise<void> | undefined;
  #end: Promise<void> | undefined;
  #renewed = false;

  constructor(details: HandleDetails) {
    this.#details = details;
    this.#record = details.record;
    this.claimId = details.claim.claimId;
    this.key = details.claim.key;
    this.runtime = details.claim.runtime;
    this.userId = details.claim.userId;
    this.source = details.claim.source;
    this.latencyMs = details.latencyMs;
    const { userId } = details.claim;
    const pause = details.fleet.provider.pause?.bind(details.fleet.provider);
    if (userId !== undefined && pause) this.keep = () => this.#keep(userId, pause);
    this.#expiresAtMs = details.fleet.ledger.nowMs() + details.lifeMs;
  }

  // Both hold secrets: they are there for who asks for them, not for who prints the claim.
  get connection(): SandboxConnection {
    return this.#details.connection;
  }

  get env(): Readonly<Record<string, string>> {
    return this.#details.environment();
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  /** The newest record of the slot, for the engine. */
  get record(): SlotRecord {
    return this.#record;
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  ack(): Promise<void> {
    this.#ack ??= this.#change((record) => ({ ...record, dueAtMs: this.#expiresAtMs, state: acked(record) })).catch(
      (error) => {
        this.#ack = undefined;
        throw error;
      },
    );
    return this.#ack;
  }

  renew(lifeMs: number): Promise<void> {
    this.#renewed = true;
    return this.#setLife(lifeMs);
  }

  /** Brings the life of the sandbox down to what was asked for, unless the claimant has said otherwise. */
  async settleLife(): Promise<void> {
    const { state } = this.#record;
    const marginMs = 30_000;
    if (this.#renewed || this.#end || state.name !== 'claimed' || state.endsAtMs <= this.#expiresAtMs + marginMs)
      return;
    await this.#setLife(Math.max(1_000, this.#expiresAtMs - this.#details.fleet.ledger.nowMs()));
  }

  retire(): Promise<void> {
    this.#end ??= this.#inTurn(async () => {
      const { fleet } = this.#details;
      const present = await this.#present();
      if (present && !(await retire(fleet, present, 'claim_ended'))) {
        const changed = await this.#present();
        if (changed) await retire(fleet, changed, 'claim_ended');
      }
      this.#announceEnd();
    }).catch((error) => {
      this.#end = undefined;
      throw claimErrorOf(error, this.#details.fleet.provider.name);
    });
    return this.#end;
  }

  #keep(userId: string, pause: (sandboxId: string) => Promise<void>): Promise<void> {
    const { fleet, claim } = this.#details;
    this.#end ??= this.#inTurn(async () => {
      const place = placeOf(this.#record);
      await pause(place.sandboxId);
      const dueAtMs = fleet.ledger.nowMs() + fleet.settings.parkedLifeMs;
      await this.#write((record) => ({
        ...record,
        dueAtMs,
        hardEndsAtMs: dueAtMs,
        state: { name: 'kept', place, tenant: claim.tenant, userId },
      }));
      this.#announceEnd();
    }).catch((error) => {
      this.#end = undefined;
      throw claimErrorOf(error, fleet.provider.name);
    });
    return this.#end;
  }

  #setLife(lifeMs: number): Promise<void> {
    const { fleet } = this.#details;
    return this.#inTurn(async () => {
      const endsAtMs = fleet.ledger.nowMs() + lifeMs;
      await fleet.provider.setTimeout(placeOf(this.#record).sandboxId, lifeMs);
      await this.#write((record) => {
        const { state } = record;
        if (state.name !== 'claimed') return record;
        const dueAtMs = state.hold === 'acked' ? endsAtMs : record.dueAtMs;
        return { ...record, dueAtMs, state: { ...state, endsAtMs } };
      });
      this.#expiresAtMs = endsAtMs;
    }).catch((error) => {
      throw claimErrorOf(error, fleet.provider.name);
    });
  }

  #change(change: (record: SlotRecord) => SlotRecord): Promise<void> {
    return this.#inTurn(() => this.#write(change));
  }

  async #write(change: (record: SlotRecord) => SlotRecord): Promise<void> {
    const { ledger } = this.#details.fleet;
    let next = await ledger.write(change(this.#record));
    if (!next) {
      // The answer to an earlier write may have been lost on its way.
      const present = await this.#present();
      next = present ? await ledger.write(change(present)) : undefined;
    }
    if (!next) throw this.#gone();
    this.#record = next;
  }

  async #present(): Promise<SlotRecord | undefined> {
    const present = await this.#details.fleet.ledger.read(this.#record.slotId);
    const mine = present?.state.name === 'claimed' && present.state.claim.claimId === this.claimId;
    return mine ? present : undefined;
  }

  #gone(): WarmingError {
    return new WarmingError(
      'claim_unknown',
      `Claim ${this.claimId} of runtime "${this.runtime}" is over: it was retired, or its lease ran out before "ack". Claim a new sandbox.`,
    );
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #announceEnd(): void {
    const { fleet } = this.#details;
    fleet.handles.delete(this);
    fleet.emit('claim-retired', {
      claimId: this.claimId,
      runtime: this.runtime,
      sandboxId: placeOf(this.#record).sandboxId,
    });
  }
}

function acked(record: SlotRecord): SlotRecord['state'] {
  return record.state.name === 'claimed' ? { ...record.state, hold: 'acked' } : record.state;
}

function placeOf(record: SlotRecord) {
  if (record.state.name !== 'claimed' && record.state.name !== 'kept') throw new TypeError('A claim has a sandbox.');
  return record.state.place;
}
