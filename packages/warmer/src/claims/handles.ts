import { type Claim, type ClaimAnswer, isWarmingError } from '@pilotlight/warming';
import type { EventLog } from '../events/log.js';
import type { HistoryWriter } from '../history/writer.js';
import { announceRetired } from './announce.js';
import { claimGone } from './complaints.js';
import type { LiveClaims } from './live.js';
import { type ClaimRecord, type ClaimStatus, hasEnded } from './record.js';

interface HandleParts {
  live: LiveClaims;
  log: EventLog;
  history: Pick<HistoryWriter, 'ended'>;
  ask: (record: ClaimRecord) => Promise<ClaimAnswer>;
}

/** The engine's handles of claims that were handed over, found again after a restart. */
export class ClaimHandles {
  readonly #parts: HandleParts;

  constructor(parts: HandleParts) {
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
    let before: ClaimStatus | undefined;
    const after = await this.#parts.live.change(record, (status) => {
      before = status;
      return { state: 'RETIRED' };
    });
    return this.#told(after, before);
  }

  #told(record: ClaimRecord, before: ClaimStatus | undefined): ClaimRecord {
    if (before?.state !== 'HOT') return record;
    this.#parts.history.ended(record, before);
    announceRetired(this.#parts.log, record, before.connection.sandboxId);
    return record;
  }
}
