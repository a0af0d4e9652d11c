import type { SlotRecord } from '../ledger/record.js';
import type { Flight } from './flight.js';
import type { PoolView } from './plan.js';

export interface PoolCounts {
  readonly hot: number;
  readonly parked: number;
  readonly warming: number;
  readonly claimed: number;
}

/** What a pool holds. Hot are those of the newest spec. */
export function countsOf(slots: readonly SlotRecord[], specKey: string): PoolCounts {
  const of = (...names: SlotRecord['state']['name'][]) =>
    slots.filter((record) => names.includes(record.state.name)).length;
  return {
    hot: slots.filter((record) => record.state.name === 'hot' && record.specKey === specKey).length,
    parked: of('parked'),
    warming: of('creating', 'lost', 'warming'),
    claimed: of('claimed'),
  };
}

/** How the flights of this process stand to the slots that are listed. */
export function seenFlights(
  flights: ReadonlySet<Flight>,
  slots: readonly SlotRecord[],
): Pick<PoolView, 'pending' | 'carrying' | 'empty'> {
  const listed = new Set(slots.map((record) => record.slotId));
  const isListed = (flight: Flight) => flight.slotId !== undefined && listed.has(flight.slotId);
  const all = [...flights];
  const pending = (purpose: 'hot' | 'parked') =>
    all.filter((flight) => !isListed(flight) && flight.purpose === purpose).length;
  const hot = all.filter((flight) => flight.purpose === 'hot');
  return {
    pending: { hot: pending('hot'), parked: pending('parked') },
    carrying: hot.filter((flight) => isListed(flight) && flight.passenger).length,
    empty: hot.filter((flight) => !flight.passenger).length,
  };
}
