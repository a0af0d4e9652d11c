import assert from 'node:assert/strict';
import { type ContractCase, claimedBy, hot, reserved, slot, slotWithPlace, taking, wide } from './fixtures.js';

/** What a ledger promises of records, links and time. */
export const recordsCases: readonly ContractCase[] = [
  {
    name: 'a write based on an older version is refused, and so is one to a slot that is gone',
    async run(open) {
      const ledger = await open();
      const record = await reserved(ledger, 'a');
      const first = await ledger.write({ ...record, dueAtMs: 1 });
      assert.equal(first?.version, record.version + 1);
      assert.equal(await ledger.write({ ...record, dueAtMs: 2 }), undefined);
      assert.equal(await ledger.remove(record), false);
      assert.equal(await ledger.remove(first!), true);
      assert.equal(await ledger.write(first!), undefined);
      assert.equal(await ledger.read('a'), undefined);
    },
  },
  {
    name: 'gives back what was written, every field of it',
    async run(open) {
      const ledger = await open();
      const written = await hot(ledger, 'a', { sealed: 'sealed-text', sandboxDomain: 'example.test' });
      assert.deepEqual(await (await open()).read('a'), written);
      assert.deepEqual(await ledger.view('pool'), [written]);
      assert.deepEqual(await ledger.all(), [written]);
    },
  },
  {
    name: 'finds what is due, the earliest first, and nothing else',
    async run(open) {
      const ledger = await open();
      for (const [id, dueAtMs] of [
        ['late', 3_000],
        ['early', 1_000],
        ['middle', 2_000],
        ['never', 9_000],
      ] as const) {
        await ledger.reserve({ ...slot(id), dueAtMs }, wide);
      }
      const ids = async (beforeMs: number, limit: number) =>
        (await ledger.due(beforeMs, limit)).map((record) => record.slotId);
      assert.deepEqual(await ids(3_000, 10), ['early', 'middle', 'late']);
      assert.deepEqual(await ids(3_000, 2), ['early', 'middle']);
      assert.deepEqual(await ids(999, 10), []);
      const early = await ledger.read('early');
      await ledger.write({ ...early!, dueAtMs: 8_000 });
      assert.deepEqual(await ids(3_000, 10), ['middle', 'late']);
    },
  },
  {
    name: 'restores a record that is not there, once, and its key with it',
    async run(open) {
      const ledger = await open();
      const record = claimedBy(slotWithPlace('a'), 'one', 'job');
      assert.equal(await ledger.restore(record), true);
      assert.equal(await ledger.restore(record), false);
      assert.equal((await ledger.find('job'))?.slotId, 'a');
      assert.equal(await ledger.restore(claimedBy(slotWithPlace('b'), 'two', 'job')), false);
    },
  },
  {
    name: 'restores a record over an older version of it, whose newer one was lost, and over no newer one',
    async run(open) {
      const ledger = await open();
      const older = await hot(ledger, 'a');
      const newer = { ...claimedBy(older, 'one', 'job'), version: older.version + 1 };
      assert.equal(await ledger.restore(newer), true);
      assert.deepEqual(await ledger.find('job'), newer);
      assert.equal((await ledger.take(taking('two'))).kind, 'empty');
      assert.equal(await ledger.restore(older), false);
    },
  },
  {
    name: 'keeps the first link of a spec, and drops it for one caller',
    async run(open) {
      const ledger = await open();
      const link = { specKey: 'spec', snapshotId: 'snap-1', createdAtMs: 1 };
      assert.deepEqual(await ledger.saveLink(link), link);
      assert.deepEqual(await ledger.saveLink({ ...link, snapshotId: 'snap-2' }), link);
      assert.deepEqual(await ledger.link('spec'), link);
      assert.deepEqual(await ledger.links(), [link]);
      assert.equal(await ledger.dropLink('spec', 'snap-2'), false);
      assert.equal(await ledger.dropLink('spec', 'snap-1'), true);
      assert.equal(await ledger.dropLink('spec', 'snap-1'), false);
      assert.equal(await ledger.link('spec'), undefined);
    },
  },
  {
    name: 'its epoch stays, and its time never falls',
    async run(open) {
      const ledger = await open();
      const epoch = await ledger.epoch();
      assert.deepEqual(await (await open()).epoch(), epoch);
      const times = [ledger.nowMs(), ledger.nowMs(), ledger.nowMs()];
      assert.deepEqual(
        times,
        [...times].sort((first, second) => first - second),
      );
      assert.ok(epoch.startedAtMs <= times[0]!);
    },
  },
  {
    name: 'holds no secret of a claim: what is stored is what the record says, sealed',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'a', { sealed: 'c2VhbGVk' });
      await ledger.take(taking('one'));
      assert.doesNotMatch(JSON.stringify(await ledger.all()), /token|secret/i);
    },
  },
];
