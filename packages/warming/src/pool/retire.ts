import { type RetireReason, type SlotRecord, sandboxIdOf } from '../ledger/record.js';
import { ProviderError } from '../provider.js';
import type { Fleet } from './fleet.js';
import { metadataKeys, slotIdOf } from './metadata.js';

/**
 * Retires a slot: first the right to kill it, then the kill, then the record goes. Whoever does not get the right leaves
 * the sandbox alone.
 *
 * @returns whether this call got the right
 */
export async function retire(
  fleet: Fleet,
  record: SlotRecord,
  reason: RetireReason,
  sandboxId: string | undefined = sandboxIdOf(record.state),
): Promise<boolean> {
  const retiring = await fleet.ledger.write({
    ...record,
    owner: fleet.replica,
    dueAtMs: fleet.ledger.nowMs() + fleet.settings.leaseMs,
    state: { name: 'retiring', sandboxId, reason },
  });
  if (!retiring) return false;
  fleet.stats.retired(record, fleet.ledger.nowMs());
  await finishRetiring(fleet, retiring);
  if (sandboxId !== undefined && record.state.name !== 'claimed') {
    fleet.emit('slot-retired', { runtime: record.pool, sandboxId, reason });
  }
  return true;
}

/** Retires what waits in the pool of a runtime that is no more. */
export async function retireIdle(fleet: Fleet, pool: string): Promise<void> {
  const slots = await fleet.ledger.view(pool);
  const idle = slots.filter(({ state }) => state.name === 'hot' || state.name === 'parked' || state.name === 'kept');
  await Promise.all(idle.map((record) => retire(fleet, record, 'runtime_removed')));
}

/** Kills the sandbox of a retiring slot and removes the record. The record stays, and is tried again, if the kill fails. */
export async function finishRetiring(fleet: Fleet, record: SlotRecord): Promise<void> {
  const sandboxId = sandboxIdOf(record.state);
  if (sandboxId !== undefined) await fleet.provider.kill(sandboxId);
  fleet.connections.forget(record);
  await fleet.ledger.remove(record);
  fleet.changed(record.pool);
}

/**
 * Looks for the sandbox of a create call that gave no answer. Found, it is retired; not found, the record stays until the
 * provider's list can no longer be behind.
 */
export async function resolveLost(fleet: Fleet, record: SlotRecord): Promise<void> {
  const sandboxId = await findSandbox(fleet, record.slotId);
  if (sandboxId !== undefined) {
    await retire(fleet, record, 'abandoned', sandboxId);
    return;
  }
  const nowMs = fleet.ledger.nowMs();
  const lostAtMs = record.state.name === 'lost' ? record.state.lostAtMs : nowMs;
  if (nowMs - lostAtMs >= fleet.settings.orphanGraceMs) {
    await fleet.ledger.remove(record);
    fleet.changed(record.pool);
    return;
  }
  const waitMs = Math.max(500, Math.round((nowMs - lostAtMs) / 2));
  await fleet.ledger.write({
    ...record,
    owner: fleet.replica,
    dueAtMs: nowMs + waitMs,
    state: { name: 'lost', lostAtMs },
  });
}

/** The sandbox with a slot's nonce in its metadata, if the provider lists it by now. */
export async function findSandbox(fleet: Fleet, slotId: string): Promise<string | undefined> {
  const metadata = { [metadataKeys.fleet]: fleet.name, [metadataKeys.slot]: slotId };
  for await (const info of fleet.provider.list({ metadata })) {
    if (slotIdOf(fleet.name, info.metadata) === slotId) return info.sandboxId;
  }
  return undefined;
}

/** Whether a create call that failed this way may have made a sandbox all the same. */
export function mayHaveCreated(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return true;
  switch (error.failure) {
    case 'unreachable':
    case 'unauthorized':
    case 'rate':
    case 'capacity':
    case 'refused':
    case 'gone':
      return false;
    case 'timeout':
    case 'lost':
    case 'failed':
      return true;
  }
}
