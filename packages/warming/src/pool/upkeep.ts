import type { SlotRecord } from '../ledger/record.js';
import { ProviderError } from '../provider.js';
import type { Fleet } from './fleet.js';
import { finishRetiring, retire } from './retire.js';

/** Prolongs the life of a hot slot, as far as the plan's maximum allows. A sandbox that is gone is retired. */
export async function renew(fleet: Fleet, record: SlotRecord): Promise<void> {
  if (record.state.name !== 'hot') return;
  const { slotLifeMs, leaseMs } = fleet.settings;
  const nowMs = fleet.ledger.nowMs();
  const endsAtMs = Math.min(record.hardEndsAtMs, nowMs + slotLifeMs);
  // Marked first, so that of several replicas one renews.
  const marked = await fleet.ledger.write({ ...record, owner: fleet.replica, dueAtMs: nowMs + leaseMs });
  if (!marked) return;
  try {
    await fleet.provider.setTimeout(record.state.place.sandboxId, Math.max(1_000, endsAtMs - nowMs));
  } catch (error) {
    if (error instanceof ProviderError && error.failure === 'gone') {
      await retire(fleet, marked, 'unhealthy');
      return;
    }
    throw error;
  }
  const dueAtMs = Math.max(nowMs + 1_000, Math.round(endsAtMs - slotLifeMs / 3));
  await fleet.ledger.write({ ...marked, dueAtMs, state: { ...record.state, endsAtMs } });
}

/** Pauses a hot slot that the hot tier has no use for. */
export async function park(fleet: Fleet, record: SlotRecord): Promise<void> {
  if (record.state.name !== 'hot' || !fleet.provider.pause) return;
  const { place } = record.state;
  const nowMs = fleet.ledger.nowMs();
  const { leaseMs, parkedLifeMs } = fleet.settings;
  // Off the shelf first: a claim must not get a sandbox that is about to pause.
  const held = await fleet.ledger.write({
    ...record,
    owner: fleet.replica,
    purpose: 'parked',
    dueAtMs: nowMs + leaseMs,
    state: { name: 'warming', place },
  });
  if (!held) return;
  await fleet.provider.pause(place.sandboxId);
  const endsAtMs = nowMs + parkedLifeMs;
  await fleet.ledger.write({
    ...held,
    dueAtMs: endsAtMs,
    hardEndsAtMs: endsAtMs,
    state: { name: 'parked', place, parkedAtMs: nowMs },
  });
}

/** Takes over a kill that did not come to its end. */
export async function finish(fleet: Fleet, record: SlotRecord): Promise<void> {
  const nowMs = fleet.ledger.nowMs();
  const mine = await fleet.ledger.write({ ...record, owner: fleet.replica, dueAtMs: nowMs + fleet.settings.leaseMs });
  if (mine) await finishRetiring(fleet, mine);
}

/** How often a sandbox that its claimant paused is looked after, in milliseconds. */
const pausedCheckMs = 600_000;

/** A claim whose time is over: the record goes when the sandbox did; if the claimant prolonged it, so does the record. */
export async function checkClaim(fleet: Fleet, record: SlotRecord): Promise<void> {
  if (record.state.name !== 'claimed') return;
  const info = await fleet.provider.info(record.state.place.sandboxId);
  const nowMs = fleet.ledger.nowMs();
  if (!info) {
    if (await fleet.ledger.remove(record)) {
      fleet.connections.forget(record);
      fleet.changed(record.pool);
    }
    return;
  }
  const leftMs = info.state === 'paused' ? pausedCheckMs : Math.max(5_000, info.endsAtMs - fleet.clock.nowMs());
  await fleet.ledger.write({
    ...record,
    dueAtMs: nowMs + leftMs,
    state: { ...record.state, endsAtMs: nowMs + leftMs },
  });
}
