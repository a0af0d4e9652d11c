import type { Permit } from '../budget/gate.js';
import type { SlotRecord, SnapshotLink } from '../ledger/record.js';
import { ProviderError } from '../provider.js';
import { originPiece, wayOf } from '../warm-up/way.js';
import { Fenced, SlotHold } from './hold.js';
import { metadataOf } from './metadata.js';
import type { Craft, Journey } from './passenger.js';
import { mayHaveCreated, resolveLost, retire } from './retire.js';
import type { Tier } from './tiers.js';

/** Comes by the sandbox of a slot that exists. */
export async function resumeSlot(journey: Journey, record: SlotRecord, tier: Tier): Promise<Craft> {
  const { fleet } = journey.plan;
  setWay(journey, tier.origin);
  journey.recorded = true;
  journey.slotId = record.slotId;
  const hold = new SlotHold(fleet, record);
  hold.beat();
  try {
    if (!('place' in record.state)) throw new TypeError('A slot without a sandbox cannot be resumed.');
    const { place } = record.state;
    const open = () =>
      tier.origin === 'generic' || tier.origin === 'hot'
        ? fleet.connections.open(place, fleet.settings.slotLifeMs)
        : fleet.connections.resume(place, fleet.settings.slotLifeMs);
    return { hold, sandbox: await journey.way.during(originPiece(tier.origin), open), tier, link: undefined };
  } catch (error) {
    await abandon(journey, hold);
    throw error;
  }
}

/** Creates a sandbox, with a record written ahead. */
export async function createSandbox(journey: Journey, tier: Tier, link: SnapshotLink | undefined): Promise<Craft> {
  const { fleet, spec } = journey.plan;
  journey.inLine = true;
  const permit = await admit(journey).finally(() => {
    journey.inLine = false;
  });
  journey.recorded = true;
  const hold = new SlotHold(fleet, permit.record);
  hold.beat();
  try {
    journey.signal.throwIfAborted();
    journey.way.begin(originPiece(tier.origin));
    // Not told to stop: a create call that is cut off leaves a sandbox nobody knows. It is killed after the answer.
    const sandbox = await fleet.provider.create({
      template: link?.snapshotId ?? spec.runtime.template,
      timeoutMs: fleet.settings.slotLifeMs,
      metadata: metadataOf(fleet.name, permit.record),
      allowInternetAccess: spec.runtime.allowInternetAccess,
    });
    permit.release({ kind: 'created' });
    const place = fleet.connections.keep(sandbox.connection);
    const craft: Craft = { hold, sandbox, tier, link };
    await hold
      .write((record) => ({ ...record, state: { name: 'warming', place } }))
      .catch(async (error) => {
        await fleet.provider.kill(sandbox.sandboxId);
        throw error;
      });
    journey.way.end(originPiece(tier.origin));
    return craft;
  } catch (error) {
    permit.release(outcomeOf(error));
    if (hold.record.state.name === 'creating') await undoCreate(journey, hold, error);
    throw error;
  }
}

function admit(journey: Journey): Promise<Permit> {
  const { fleet, spec, goal } = journey.plan;
  const { passenger } = journey;
  const nowMs = fleet.ledger.nowMs();
  const record: SlotRecord = {
    slotId: fleet.newId(),
    version: 1,
    pool: spec.pool,
    specKey: spec.specKey,
    owner: fleet.replica,
    purpose: journey.purpose,
    createdAtMs: nowMs,
    dueAtMs: nowMs + fleet.settings.leaseMs,
    hardEndsAtMs: nowMs + fleet.settings.maxLifeMs,
    state: { name: 'creating' },
  };
  journey.slotId = record.slotId;
  return fleet.gate.enter({
    priority: passenger?.priority ?? journey.plan.priority,
    signal: journey.signal,
    patient: journey.passenger !== undefined,
    deadlineMs: passenger?.deadlineMs,
    reserve: (limits) => fleet.ledger.reserve(record, { ...limits, max: spec.runtime.pool.max, goal: goal() }),
    abandoned: (permit) => {
      permit.release({ kind: 'failed' });
      fleet.background(spec.pool, () => fleet.ledger.remove(permit.record));
    },
  });
}

async function undoCreate(journey: Journey, hold: SlotHold, error: unknown): Promise<void> {
  const { fleet, spec } = journey.plan;
  const record = await hold.rest();
  if (!mayHaveCreated(error)) {
    await fleet.ledger.remove(record);
    return;
  }
  const nowMs = fleet.ledger.nowMs();
  const lost = await fleet.ledger.write({ ...record, dueAtMs: nowMs, state: { name: 'lost', lostAtMs: nowMs } });
  if (!lost) return;
  // Mostly the list knows at once. If not, whoever finds the record due looks again.
  await resolveLost(fleet, lost).catch((cause: Error) =>
    fleet.emit('background-error', { runtime: spec.pool, error: cause }),
  );
}

/** Cleans up after a flight that failed with a sandbox in hand. */
export async function crash(journey: Journey, craft: Craft, error: unknown): Promise<void> {
  const { fleet, spec } = journey.plan;
  if (!(error instanceof Fenced)) await abandon(journey, craft.hold);
  const { link } = craft;
  // Whatever the reason, the next one is built from the template: a link is a help only while it works.
  if (link && !journey.signal.aborted) fleet.background(spec.pool, () => fleet.links.drop(link));
}

async function abandon(journey: Journey, hold: SlotHold): Promise<void> {
  const { fleet, spec } = journey.plan;
  const record = await hold.rest();
  const reason = journey.signal.aborted ? 'claim_cancelled' : 'warm_up_failed';
  // A kill that fails is tried again by whoever finds the record due.
  await retire(fleet, record, reason).catch((error: Error) =>
    fleet.emit('background-error', { runtime: spec.pool, error }),
  );
}

/** Foresees what lies between a sandbox of this origin and its claimant. */
export function setWay(journey: Journey, origin: Tier['origin']): void {
  const { fleet, spec } = journey.plan;
  const link = origin === 'generic' && fleet.sharing.packOf(spec.runtime) !== undefined;
  const provided = new Set(link ? fleet.sharing.provided(spec.runtime, spec.nodes) : []);
  const nodes = spec.nodes.filter((node) => !provided.has(node));
  const capture = origin === 'cold' && spec.runtime.pool.link && fleet.links.wanted(spec.specKey);
  journey.way.set(wayOf({ origin, nodes, link, capture, specKey: spec.specKey, durations: fleet.durations }));
}

function outcomeOf(error: unknown): Parameters<Permit['release']>[0] {
  if (error instanceof ProviderError && error.failure === 'capacity') return { kind: 'capacity' };
  if (error instanceof ProviderError && error.failure === 'rate')
    return { kind: 'rate', retryAfterMs: error.retryAfterMs };
  return { kind: 'failed' };
}
