import type { SlotRecord } from '../ledger/record.js';
import type { Fleet } from './fleet.js';
import { resolveLost, retire } from './retire.js';
import { sweepAll } from './sweep.js';
import { finish } from './upkeep.js';

/** Retires what the manager leaves behind, then closes what it opened. An error is told and does not stop the rest. */
export async function shutDown(fleet: Fleet, options: { retireClaims: boolean; retirePool: boolean }): Promise<void> {
  const { ledger, links, provider, settings, handles } = fleet;
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      fleet.emit('background-error', { runtime: undefined, error: error as Error });
    }
  };
  if (options.retireClaims) await Promise.all([...handles].map((handle) => attempt(() => handle.retire())));
  if (options.retirePool) {
    await attempt(async () => {
      const records = await ledger.all();
      await Promise.all(records.map((record) => attempt(() => end(fleet, record))));
    });
    // A create whose answer was lost may have left a sandbox that its record does not name.
    if (!ledger.shared) await attempt(() => sweepAll(fleet));
  }
  const deletes = settings.links === undefined ? !links.durable : settings.links === 'delete';
  if (deletes) await attempt(() => links.dropAll());
  await attempt(() => ledger.close());
  await attempt(async () => provider.close?.());
}

async function end(fleet: Fleet, record: SlotRecord): Promise<void> {
  switch (record.state.name) {
    case 'claimed':
      return;
    case 'creating':
    case 'lost':
      return resolveLost(fleet, record);
    case 'retiring':
      return finish(fleet, record);
    case 'warming':
    case 'hot':
    case 'parked':
    case 'kept':
      await retire(fleet, record, 'closed');
      return;
  }
}
