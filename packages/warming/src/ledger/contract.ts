import type { ContractCase } from './contract/fixtures.js';
import { recordsCases } from './contract/records.js';
import { reserveCases } from './contract/reserve.js';
import { takeCases } from './contract/take.js';

export type { ContractCase };

/**
 * What every ledger must do. An adapter runs all of it in its own tests:
 *
 * @example
 * ```ts
 * for (const { name, run } of ledgerContract) it(name, () => run(openMyLedger));
 * ```
 */
export const ledgerContract: readonly ContractCase[] = [...reserveCases, ...takeCases, ...recordsCases];
