import { type Claim, isWarmingError, type WarmingAnswer, type WarmingProgress } from '@pilotlight/warming';
import { toWireError } from '../errors.js';
import type { EventLog } from '../events/log.js';
import { announceEnd, announceFailure, announceProgress, announceReady } from './announce.js';
import { type ClaimRecord, type ClaimStatus, warmingStatus } from './record.js';

/** What following a warming claim needs of the one who keeps its record. */
export interface WarmingKeeper {
  log: EventLog;
  record: ClaimRecord;
  answer: WarmingAnswer;
  /** True when the claim's tenant declared the runtime. */
  ownsRuntime: boolean;
  progressed(status: ClaimStatus): ClaimRecord;
  ready(claim: Claim): Promise<ClaimRecord>;
  ended(status: ClaimStatus): Promise<ClaimRecord>;
}

/**
 * Turns the engine's progress into events. Progress never falls, also where another process had begun the claim; the
 * terminal event is told last, when the record already says the same.
 */
export async function followWarming(keeper: WarmingKeeper): Promise<void> {
  const { log, answer } = keeper;
  const settled = answer.ready.then(
    (claim) => ({ claim }),
    (error: unknown) => ({ error }),
  );
  let floor = keeper.record.status.state === 'WARMING' ? keeper.record.status.progress : 0;
  let last: WarmingProgress | undefined;
  for await (const event of answer) {
    last = event;
    if (event.outcome !== undefined) break;
    floor = Math.max(floor, event.progress);
    const progress = { ...event, progress: floor };
    announceProgress(log, keeper.progressed(warmingStatus(progress, answer.reason)), progress);
  }
  const result = await settled;
  if ('claim' in result) {
    const { claim } = result;
    const record = await keeper.ready(claim);
    announceReady(log, record, claim);
    announceEnd(log, record, { outcome: 'hot', progress: 1, elapsedMs: claim.latencyMs, last });
    return;
  }
  const final = { progress: floor, elapsedMs: last?.elapsedMs ?? 0 };
  if (isWarmingError(result.error) && result.error.code === 'claim_cancelled') {
    const record = await keeper.ended({ state: 'CANCELLED', ...final });
    announceEnd(log, record, { outcome: 'cancelled', ...final, last });
    return;
  }
  const error = toWireError(result.error, { ownsRuntime: keeper.ownsRuntime });
  const record = await keeper.ended({ state: 'FAILED', error, ...final });
  announceFailure(log, record, error);
  announceEnd(log, record, { outcome: 'failed', ...final, last });
}
