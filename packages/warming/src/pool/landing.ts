import type { ClaimRecord, SlotRecord } from '../ledger/record.js';
import type { ProviderSandbox } from '../provider.js';
import { personalisePiece } from '../warm-up/way.js';
import { Fenced, type SlotHold } from './hold.js';
import type { Craft, FlightEnd, FlightPlan, Journey, Passenger } from './passenger.js';
import type { Tier } from './tiers.js';

/** Hands the sandbox over to the claimant. */
export async function board(
  journey: Journey,
  passenger: Passenger,
  { hold, sandbox, tier }: Craft,
): Promise<FlightEnd> {
  const { fleet } = journey.plan;
  const claim: ClaimRecord = { ...passenger.claim, source: tier.source };
  const nowMs = fleet.ledger.nowMs();
  const endsAtMs = await ensureLife(journey.plan, hold.record, tier, passenger.lifeMs);
  await hold.write((record) => {
    if (!('place' in record.state)) throw new Fenced('The slot lost its sandbox.');
    const { place } = record.state;
    const dueAtMs = nowMs + fleet.settings.leaseMs;
    return {
      ...record,
      dueAtMs,
      pool: journey.plan.spec.pool,
      state: { name: 'claimed', place, claim, endsAtMs, hold: 'leased' },
    };
  });
  // From here on the claimant has it: nobody else can be given it.
  await journey.way.during(personalisePiece, () => passenger.prepare(sandbox));
  const record = await hold.rest();
  journey.signal.throwIfAborted();
  passenger.board(sandbox, record, claim);
  return { kind: 'boarded' };
}

/** Makes sure that the sandbox lives as long as the claim asks for. @returns when it ends */
async function ensureLife(
  plan: FlightPlan,
  { state, createdAtMs }: SlotRecord,
  tier: Tier,
  lifeMs: number,
): Promise<number> {
  const { ledger, provider, settings } = plan.fleet;
  const nowMs = ledger.nowMs();
  const resumed = tier.origin === 'parked' || tier.origin === 'affinity';
  const known =
    state.name === 'claimed' && !resumed ? state.endsAtMs : (resumed ? nowMs : createdAtMs) + settings.slotLifeMs;
  if (known - nowMs >= lifeMs || !('place' in state)) return known;
  await provider.setTimeout(state.place.sandboxId, lifeMs);
  return nowMs + lifeMs;
}

/** Puts the sandbox into the pool. */
export async function land(journey: Journey, hold: SlotHold, sandbox: ProviderSandbox): Promise<FlightEnd> {
  const { fleet } = journey.plan;
  const { slotLifeMs, parkedLifeMs } = fleet.settings;
  const park = journey.purpose === 'parked' && fleet.provider.pause !== undefined;
  if (park) await fleet.provider.pause?.(sandbox.sandboxId);
  const nowMs = fleet.ledger.nowMs();
  await hold.write((record) => {
    if (!('place' in record.state)) throw new Fenced('The slot lost its sandbox.');
    const { place } = record.state;
    if (park) {
      const hardEndsAtMs = nowMs + parkedLifeMs;
      return {
        ...record,
        purpose: 'parked',
        dueAtMs: hardEndsAtMs,
        hardEndsAtMs,
        state: { name: 'parked', place, parkedAtMs: nowMs },
      };
    }
    const endsAtMs = Math.min(record.hardEndsAtMs, record.createdAtMs + slotLifeMs);
    const dueAtMs = Math.max(nowMs, Math.round(endsAtMs - slotLifeMs / 3));
    return { ...record, purpose: 'hot', dueAtMs, state: { name: 'hot', place, hotSinceMs: nowMs, endsAtMs } };
  });
  await hold.rest();
  return { kind: 'pooled' };
}
