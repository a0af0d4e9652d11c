import { describe, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.js';
import { ledgerContract } from './contract.js';
import { MemoryLedger } from './memory.js';

describe('the memory ledger', () => {
  it.each(ledgerContract.map((one) => [one.name, one] as const))('%s', async (_name, { run }) => {
    const ledger = new MemoryLedger(new FakeClock(), 'epoch');
    await run(async () => ledger);
  });
});
