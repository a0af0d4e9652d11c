import type { WireEvent } from '@pilotlight/warming/wire';
import { type ClaimRecord, hasEnded } from '../claims/record.js';
import { Burst } from './burst.js';
import type { EventHub, EventSink, Sight } from './hub.js';
import { compareEventIds } from './log.js';
import { ToldEvent } from './told.js';

/**
 * Follows one claim from what the follower knows to its end: first what was missed (or the current state, when that is
 * no longer kept), then what comes, then exactly one terminal event.
 *
 * `read` gives the claim's current record, of which the caller knows that this follower may see it.
 */
export async function followClaim(
  hub: EventHub,
  request: { claimId: string; lastEventId?: string | undefined; sight: Sight },
  read: () => Promise<ClaimRecord | undefined>,
  send: EventSink,
): Promise<() => void> {
  const { claimId, lastEventId, sight } = request;
  const waiting: Burst[] = [];
  let live = false;
  let ended = false;
  let lastSentId = lastEventId ?? '0-0';

  const pass = (burst: Burst): void => {
    lastSentId = burst.lastId;
    ended = burst.isTerminal;
    send(burst);
  };
  const forward = (burst: Burst): void => {
    const rest = ended ? undefined : burst.untilEnd.after(lastSentId);
    if (rest) pass(rest);
  };
  const stop = hub.followClaim(claimId, (burst) => {
    if (live) forward(burst);
    else waiting.push(burst);
  });

  const headId = hub.log.head();
  const missed = lastEventId === undefined ? undefined : hub.missed(sight, lastEventId, claimId);
  if (missed !== undefined && missed.length > 0) forward(new Burst(missed.map((event) => new ToldEvent(event))));
  const record = await read();
  if (record && !ended && (missed === undefined || hasSettled(record))) {
    const terminalIsComing = waiting.some((burst) => burst.untilEnd.isTerminal);
    if (!hasSettled(record) || !terminalIsComing) {
      const id = compareEventIds(headId, lastSentId) > 0 ? headId : lastSentId;
      pass(new Burst([new ToldEvent(stateEvent(record, id))]));
    }
  }
  for (const burst of waiting) forward(burst);
  live = true;
  return stop;
}

function hasSettled(record: ClaimRecord): boolean {
  return record.status.state === 'HOT' || hasEnded(record);
}

/** Where a claim stands, told as the event that would have brought it there. */
function stateEvent(record: ClaimRecord, id: string): WireEvent {
  const { claimId, runtime, status, createdAtMs } = record;
  const eta = { p50Ms: 0, p90Ms: 0, samples: 0 };
  const common = { type: 'claim-progress', id, atMs: createdAtMs, claimId, runtime } as const;
  switch (status.state) {
    case 'WARMING': {
      const { progress, phase, step, elapsedMs } = status;
      return { ...common, progress, phase, eta: status.eta, elapsedMs, ...(step === undefined ? {} : { step }) };
    }
    case 'HOT':
      return { ...common, progress: 1, phase: 'ready', eta, elapsedMs: status.latencyMs, outcome: 'hot' };
    case 'RETIRED':
      return { ...common, progress: 1, phase: 'ready', eta, elapsedMs: 0, outcome: 'hot' };
    case 'FAILED':
    case 'CANCELLED': {
      const outcome = status.state === 'FAILED' ? 'failed' : 'cancelled';
      return { ...common, progress: status.progress, phase: 'warming', eta, elapsedMs: status.elapsedMs, outcome };
    }
  }
}
