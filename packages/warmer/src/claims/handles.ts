import { type Claim, type ClaimAnswer, isWarmingError } from '@pilotlight/warming';
import type { EventLog } from '../events/log.js';
import { announceRetired } from './announce.js';
import { claimGone } from './complaints.js';
import type { LiveClaims } from './live.js';
import { type ClaimRecord, hasEnded } from './record.js';

/** The engine's handles of claims that were handed over, found again after a restart. */
export class ClaimHandles {
  readonly #parts: { live: LiveClaims; log: EventLog; ask: (record: ClaimRecord) => Promise<ClaimAnswer> };

  constructor(parts: { live: LiveClaims; log: EventLog; ask: (record: ClaimRecord) => Promise<ClaimAnswer> }) {
    this.#parts = parts;
  }

  /** @throws {@link WarmerError} `sandbox_gone` when the claim has ended */
  async use(record: ClaimRecord, use: (claim: Claim) => Promise<void>): Promise<void> {
    const claim = await this.of(record);
    try {
      await use(claim);
    } catch (error) {
      if (!isWarmingError(error) || error.code !== 'claim_unknown') throw error;
      await this.ended(record);
      throw claimGone(record);
    }
  }

  /** The engine's handle of a claim: the one at hand, or asked for again under the same key after a restart. */
  async of(record: ClaimRecord): Promise<Claim> {
    const live = this.#parts.live.get(record.claimId);
    if (live?.claim) return live.claim;
    if (live?.answer) return live.answer.ready;
    if (hasEnded(record)) throw claimGone(record);
    const answer = await this.#parts.ask(record);
    const known = record.status.state === 'HOT' ? record.status.connection.sandboxId : undefined;
    if (answer.state === 'HOT' && answer.claim.connection.sandboxId === known) {
      this.#parts.live.hold(record, answer.claim);
      return answer.claim;
    }
    // The engine made something new because the old sandbox is gone. Nobody asked for that.
    if (answer.state === 'HOT') await answer.claim.retire();
    else {
      answer.ready.catch(() => undefined);
      await answer.cancel();
    }
    await this.ended(record);
    throw claimGone(record);
  }

  /** Writes down that a claim has ended, and tells it. */
  async ended(record: ClaimRecord): Promise<ClaimRecord> {
    let sandboxId: string | undefined;
    const after = await this.#parts.live.change(record, (status) => {
      sandboxId = status.state === 'HOT' ? status.connection.sandboxId : undefined;
      return { state: 'RETIRED' };
    });
    if (sandboxId !== undefined) announceRetired(this.#parts.log, after, sandboxId);
    return after;
  }
}
