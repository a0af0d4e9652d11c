import type { SlotRecord } from '../ledger/record.js';
import type { Fleet } from './fleet.js';
import type { PoolPlan } from './plan.js';
import { resolveLost, retire } from './retire.js';
import { checkClaim, finish, park, renew } from './upkeep.js';

/** Carries out what a plan says of slots that exist, each on its own, and reports each that is done. */
export function perform(fleet: Fleet, pool: string, plan: PoolPlan, done: () => void): void {
  const each = (records: readonly SlotRecord[], work: (record: SlotRecord) => Promise<unknown>) => {
    for (const record of records) {
      fleet.background(pool, async () => {
        await work(record);
        done();
      });
    }
  };
  for (const { record, reason } of plan.retire) each([record], () => retire(fleet, record, reason));
  each(plan.park, (record) => park(fleet, record));
  each(plan.renew, (record) => renew(fleet, record));
  each(plan.resolve, (record) => resolveLost(fleet, record));
  each(plan.finish, (record) => finish(fleet, record));
  each(plan.check, (record) => checkClaim(fleet, record));
}
