import assert from 'node:assert/strict';
import { type ContractCase, slot, wide } from './fixtures.js';

/** What a ledger promises of the bounds on slots. */
export const reserveCases: readonly ContractCase[] = [
  {
    name: 'I2 reserves no more slots than the bounds allow, however many ask at once',
    async run(open) {
      const ledgers = [await open(), await open(), await open()];
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          ledgers[index % 3]!.reserve(slot(`slot-${index}`), { ...wide, max: 7 }),
        ),
      );
      assert.equal(results.filter((result) => result.kind === 'reserved').length, 7);
      assert.ok(
        results.every((result) => result.kind === 'reserved' || (result.kind === 'full' && result.bound === 'max')),
      );
      assert.equal((await ledgers[0]!.view('pool')).length, 7);
    },
  },
  {
    name: 'bounds the slots of one purpose and spec, and the slots of the fleet that run',
    async run(open) {
      const ledger = await open();
      assert.equal((await ledger.reserve(slot('a'), { ...wide, goal: 1 })).kind, 'reserved');
      assert.deepEqual(await ledger.reserve(slot('b'), { ...wide, goal: 1 }), {
        kind: 'full',
        bound: 'goal',
        running: 1,
      });
      assert.equal((await ledger.reserve({ ...slot('c'), specKey: 'other' }, { ...wide, goal: 1 })).kind, 'reserved');
      assert.equal((await ledger.reserve({ ...slot('d'), purpose: 'claim' }, { ...wide, goal: 1 })).kind, 'reserved');
      assert.deepEqual(await ledger.reserve({ ...slot('e'), pool: 'second' }, { ...wide, running: 3 }), {
        kind: 'full',
        bound: 'running',
        running: 3,
      });
      const reserved = await ledger.reserve({ ...slot('e'), pool: 'second' }, { ...wide, running: 4 });
      assert.equal(reserved.kind === 'reserved' && reserved.running, 4);
    },
  },
  {
    name: 'reserving a slot twice is harmless',
    async run(open) {
      const ledger = await open();
      await ledger.reserve(slot('a'), wide);
      const again = await ledger.reserve(slot('a'), { ...wide, max: 1, goal: 1 });
      assert.equal(again.kind, 'exists');
      assert.equal((await ledger.all()).length, 1);
    },
  },
  {
    name: 'I8 gives no more tokens than the rate and leaves those that are reserved',
    async run(open) {
      const ledger = await open();
      const rate = { perSecond: 0.001, burst: 3, leave: 0 };
      const careful = await ledger.reserve(slot('a'), { ...wide, rate: { ...rate, leave: 1 } });
      assert.equal(careful.kind, 'reserved');
      assert.equal((await ledger.reserve(slot('b'), { ...wide, rate: { ...rate, leave: 1 } })).kind, 'reserved');
      const held = await ledger.reserve(slot('c'), { ...wide, rate: { ...rate, leave: 1 } });
      assert.ok(held.kind === 'wait' && held.retryInMs > 0);
      assert.equal((await ledger.reserve(slot('d'), { ...wide, rate })).kind, 'reserved');
      assert.equal((await ledger.reserve(slot('e'), { ...wide, rate })).kind, 'wait');
    },
  },
];
