import { type SlotRecord, sandboxIdOf } from '../ledger/record.js';
import type { ProviderSandboxInfo } from '../provider.js';
import type { Fleet } from './fleet.js';
import { metadataKeys, slotIdOf } from './metadata.js';
import { finishRetiring, retire } from './retire.js';
import { checkClaim } from './upkeep.js';

/** What a comparison of the provider's list with the ledger comes to. Pure. */
export interface SweepPlan {
  /** Sandboxes of the fleet that no record knows, old enough to be sure. */
  readonly orphans: readonly { readonly slotId: string; readonly info: ProviderSandboxInfo }[];
  /** Slots at rest whose sandbox is not listed: to be looked at one by one, for a list may lag. */
  readonly missing: readonly SlotRecord[];
}

export function planSweep(view: {
  readonly fleet: string;
  readonly listed: readonly ProviderSandboxInfo[];
  readonly records: readonly SlotRecord[];
  /** On the provider's clock. */
  readonly nowMs: number;
  readonly graceMs: number;
  /** Since when the ledger has had its data, on its own clock; records lost with older data may still come back. */
  readonly ledgerAgeMs: number;
}): SweepPlan {
  const known = new Set(view.records.map((record) => record.slotId));
  const listed = new Set(view.listed.map((info) => info.sandboxId));
  const orphans = view.listed.flatMap((info) => {
    const slotId = slotIdOf(view.fleet, info.metadata);
    if (slotId === undefined || known.has(slotId)) return [];
    const old = view.nowMs - info.startedAtMs >= view.graceMs && view.ledgerAgeMs >= view.graceMs;
    return old ? [{ slotId, info }] : [];
  });
  const missing = view.records.filter(({ state }) => {
    const atRest =
      state.name === 'hot' ||
      state.name === 'parked' ||
      state.name === 'kept' ||
      (state.name === 'claimed' && state.hold === 'acked');
    return atRest && !listed.has(state.place.sandboxId);
  });
  return { orphans, missing };
}

/**
 * Compares what the provider lists with what the ledger knows. An orphan gets a record before it is killed, so that of
 * several replicas one kills it, and none while another is about to restore its claim.
 *
 * @returns what the ledger held
 */
export async function sweep(fleet: Fleet): Promise<readonly SlotRecord[]> {
  const listed = await listFleet(fleet);
  const { startedAtMs } = await fleet.ledger.epoch();
  const records = await fleet.ledger.all();
  const plan = planSweep({
    fleet: fleet.name,
    listed,
    records,
    nowMs: fleet.clock.nowMs(),
    graceMs: fleet.settings.orphanGraceMs,
    ledgerAgeMs: fleet.ledger.nowMs() - startedAtMs,
  });
  for (const { slotId, info } of plan.orphans) await killOrphan(fleet, slotId, info);
  for (const record of plan.missing) await lookFor(fleet, record);
  return records;
}

async function lookFor(fleet: Fleet, record: SlotRecord): Promise<void> {
  if (record.state.name === 'claimed') return checkClaim(fleet, record);
  const sandboxId = sandboxIdOf(record.state);
  if (sandboxId !== undefined && !(await fleet.provider.info(sandboxId))) await retire(fleet, record, 'unhealthy');
}

/** Kills every sandbox of the fleet that nobody has claimed: the end of a fleet that lives in one process. */
export async function sweepAll(fleet: Fleet): Promise<void> {
  const claimed = new Set(
    (await fleet.ledger.all()).filter((record) => record.state.name === 'claimed').map((record) => record.slotId),
  );
  for (const info of await listFleet(fleet)) {
    const slotId = slotIdOf(fleet.name, info.metadata);
    if (slotId !== undefined && !claimed.has(slotId)) await fleet.provider.kill(info.sandboxId);
  }
}

async function listFleet(fleet: Fleet): Promise<ProviderSandboxInfo[]> {
  const listed: ProviderSandboxInfo[] = [];
  for await (const info of fleet.provider.list({ metadata: { [metadataKeys.fleet]: fleet.name } })) listed.push(info);
  return listed;
}

async function killOrphan(fleet: Fleet, slotId: string, info: ProviderSandboxInfo): Promise<void> {
  const nowMs = fleet.ledger.nowMs();
  const record: SlotRecord = {
    slotId,
    version: 1,
    pool: info.metadata[metadataKeys.pool] ?? '(unknown)',
    specKey: info.metadata[metadataKeys.spec] ?? '(unknown)',
    owner: fleet.replica,
    purpose: 'hot',
    createdAtMs: nowMs,
    dueAtMs: nowMs + fleet.settings.leaseMs,
    hardEndsAtMs: nowMs,
    state: { name: 'retiring', sandboxId: info.sandboxId, reason: 'orphan' },
  };
  if (!(await fleet.ledger.restore(record))) return;
  await finishRetiring(fleet, record);
  fleet.emit('slot-retired', { runtime: record.pool, sandboxId: info.sandboxId, reason: 'orphan' });
}
