import { countsForGoal, type RetireReason, type SlotRecord } from '../ledger/record.js';

/** What is known of a pool when it is planned. */
export interface PoolView {
  /** On the ledger's clock. */
  readonly nowMs: number;
  readonly specKey: string;
  /** Slots of another spec that are older than this are stale; younger ones belong to a replica with a newer spec. */
  readonly definedAtMs: number;
  readonly onSpecChange: 'recreate' | 'onReplenish';
  readonly slots: readonly SlotRecord[];
  readonly targets: { readonly hot: number; readonly parked: number };
  /** Flights of this process that are not among the slots. */
  readonly pending: { readonly hot: number; readonly parked: number };
  /** Flights among the slots that count for the hot tier, but have a claimant on board. */
  readonly carrying: number;
  /** Flights of this process that may have nobody to carry and can be called off. */
  readonly empty: number;
  /** Slots the pool may have, whatever their state. */
  readonly max: number;
  /** A link is being made: what is created after it costs a fraction. */
  readonly linkComing: boolean;
  /** No link yet, but the first sandbox will give one. */
  readonly linkMissing: boolean;
  /** Creates that may be under way at once, after failures. */
  readonly window: number;
  readonly notBeforeMs: number;
  readonly paused: boolean;
  readonly canPause: boolean;
  /** A hot slot whose hard end is nearer than this is to be replaced. */
  readonly replaceBeforeMs: number;
}

/** What is to be done, each part on its own. */
export interface PoolPlan {
  readonly create: { readonly hot: number; readonly parked: number };
  readonly retire: readonly { readonly record: SlotRecord; readonly reason: RetireReason }[];
  readonly park: readonly SlotRecord[];
  readonly renew: readonly SlotRecord[];
  /** Left by another process in the middle of a warm-up. */
  readonly adopt: readonly SlotRecord[];
  /** May or may not exist: to be looked for. */
  readonly resolve: readonly SlotRecord[];
  /** A kill that did not come to its end. */
  readonly finish: readonly SlotRecord[];
  /** Claims whose time is over: to be checked with the provider. */
  readonly check: readonly SlotRecord[];
  /** Flights to call off. */
  readonly callOff: number;
  /** Hot slots that still count for the ledger's goal, but are being replaced. */
  readonly aging: number;
  /** When to plan again if nothing happens; undefined when only events matter. */
  readonly wakeAtMs: number | undefined;
}

/** A hot slot that has less than this left is not worth keeping. */
const leastLifeMs = 60_000;

/** Decides what a pool needs. Pure: the same view gives the same plan. */
export function planPool(view: PoolView): PoolPlan {
  const overdue = sortOverdue(view);
  const gone = new Set(overdue.retire.map(({ record }) => record.slotId));
  const left = view.slots.filter((record) => !gone.has(record.slotId));
  const fresh = left.filter((record) => record.specKey === view.specKey);
  const hot = fresh.filter((record) => record.state.name === 'hot');
  const aging = hot.filter((record) => record.hardEndsAtMs - view.nowMs < view.replaceBeforeMs);
  const young = hot.length - aging.length;
  const coming = fresh.filter((record) => countsForGoal(record) && record.purpose === 'hot').length - hot.length;
  const parked = fresh.filter((record) => countsForGoal(record) && record.purpose === 'parked').length;

  const due = view.targets.hot - young - (coming - view.carrying) - view.pending.hot;
  // Only what is hot by now is surplus: what is coming may be on its way to a claimant.
  const surplus = Math.max(0, young - view.targets.hot);
  const spare = Math.min(hot.length, surplus + (young >= view.targets.hot ? aging.length : 0));
  const parkedMissing = Math.max(0, view.targets.parked - parked - view.pending.parked);
  const spares = oldestFirst(hot).slice(0, spare);
  const parkable = view.canPause ? Math.min(parkedMissing, spares.length) : 0;
  const park = spares.slice(spares.length - parkable);
  const surplusParked = oldestFirst(fresh.filter((record) => record.state.name === 'parked')).slice(
    0,
    Math.max(0, parked - view.targets.parked),
  );

  const allowed = allowance(view);
  const createHot = Math.max(0, Math.min(due, allowed));
  return {
    ...overdue,
    create: {
      hot: createHot,
      parked: view.canPause ? Math.max(0, Math.min(parkedMissing - parkable, allowed - createHot)) : 0,
    },
    retire: [
      ...overdue.retire,
      ...staleOnes(view, left, young).map((record) => ({ record, reason: 'spec_changed' as const })),
      ...spares.slice(0, spares.length - parkable).map((record) => ({ record, reason: 'surplus' as const })),
      ...surplusParked.map((record) => ({ record, reason: 'surplus' as const })),
    ],
    park,
    callOff: Math.max(0, Math.min(view.empty, young + view.empty - view.targets.hot)),
    aging: aging.length,
    wakeAtMs: due > 0 && view.nowMs < view.notBeforeMs && !view.paused ? view.notBeforeMs : undefined,
  };
}

/** How many creates may begin now. */
function allowance(view: PoolView): number {
  if (view.paused || view.nowMs < view.notBeforeMs || view.linkComing) return 0;
  const underWay = view.pending.hot + view.pending.parked;
  const room = view.max - view.slots.length;
  return Math.max(0, Math.min(view.linkMissing ? 1 : view.window, room) - underWay);
}

function sortOverdue(view: PoolView): Pick<PoolPlan, 'renew' | 'adopt' | 'resolve' | 'finish' | 'check'> & {
  retire: { record: SlotRecord; reason: RetireReason }[];
} {
  const parts = {
    renew: [] as SlotRecord[],
    adopt: [] as SlotRecord[],
    resolve: [] as SlotRecord[],
    finish: [] as SlotRecord[],
    check: [] as SlotRecord[],
    retire: [] as { record: SlotRecord; reason: RetireReason }[],
  };
  for (const record of view.slots) {
    if (record.state.name === 'hot' && record.hardEndsAtMs - view.nowMs < leastLifeMs) {
      parts.retire.push({ record, reason: 'expired' });
      continue;
    }
    if (record.dueAtMs > view.nowMs) continue;
    const foreign = record.specKey !== view.specKey;
    switch (record.state.name) {
      case 'creating':
      case 'lost':
        parts.resolve.push(record);
        break;
      case 'warming':
        if (foreign) parts.retire.push({ record, reason: 'abandoned' });
        else parts.adopt.push(record);
        break;
      case 'hot':
        if (foreign) parts.retire.push({ record, reason: 'spec_changed' });
        else parts.renew.push(record);
        break;
      case 'parked':
      case 'kept':
        parts.retire.push({ record, reason: 'expired' });
        break;
      case 'claimed':
        if (record.state.hold !== 'acked') parts.retire.push({ record, reason: 'unacknowledged' });
        else parts.check.push(record);
        break;
      case 'retiring':
        parts.finish.push(record);
        break;
    }
  }
  return parts;
}

function staleOnes(view: PoolView, slots: readonly SlotRecord[], ready: number): readonly SlotRecord[] {
  const stale = slots.filter(
    ({ specKey, createdAtMs, state }) =>
      specKey !== view.specKey &&
      createdAtMs < view.definedAtMs &&
      (state.name === 'hot' || state.name === 'parked' || state.name === 'kept'),
  );
  if (view.onSpecChange === 'recreate') return stale;
  const keep = Math.max(0, view.targets.hot - ready);
  return oldestFirst(stale).slice(0, Math.max(0, stale.length - keep));
}

function oldestFirst(records: readonly SlotRecord[]): SlotRecord[] {
  return [...records].sort((first, second) => first.hardEndsAtMs - second.hardEndsAtMs);
}
