import assert from 'node:assert/strict';
import { keptShelf, shelf } from '../record.js';
import { type ContractCase, claimedBy, hot, taking } from './fixtures.js';

/** What a ledger promises of claims. */
export const takeCases: readonly ContractCase[] = [
  {
    name: 'I1 hands a slot to one claim only, however many take at once',
    async run(open) {
      const ledgers = [await open(), await open(), await open()];
      for (let index = 0; index < 10; index += 1) await hot(ledgers[0]!, `slot-${index}`);
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, index) => ledgers[index % 3]!.take(taking(`claim-${index}`))),
      );
      const taken = results.flatMap((result) => (result.kind === 'taken' ? [result.record.slotId] : []));
      assert.equal(taken.length, 10);
      assert.equal(new Set(taken).size, 10);
      assert.equal(results.filter((result) => result.kind === 'empty').length, 20);
    },
  },
  {
    name: 'I4 the same claim key gives the same slot for as long as the claim lasts, then another',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'a');
      await hot(ledger, 'b');
      const first = await ledger.take(taking('one', { key: 'job' }));
      const again = await (await open()).take(taking('two', { key: 'job' }));
      assert.ok(first.kind === 'taken' && again.kind === 'taken');
      assert.equal(again.record.slotId, first.record.slotId);
      assert.deepEqual([first.repeated, again.repeated], [false, true]);
      assert.deepEqual(await ledger.find('job'), first.record);
      const ended = await ledger.write({
        ...first.record,
        state: { name: 'retiring', sandboxId: 'x', reason: 'claim_ended' },
      });
      assert.ok(ended);
      assert.equal(await ledger.find('job'), undefined);
      const next = await ledger.take(taking('three', { key: 'job' }));
      assert.ok(next.kind === 'taken' && next.record.slotId !== first.record.slotId);
    },
  },
  {
    name: 'I4 a key is held for one claim until its time is over',
    async run(open) {
      const ledger = await open();
      const untilMs = ledger.nowMs() + 60_000;
      assert.equal((await ledger.take(taking('one', { key: 'job' }, { holdUntilMs: untilMs }))).kind, 'empty');
      assert.deepEqual(await (await open()).take(taking('two', { key: 'job' })), { kind: 'held', untilMs });
      assert.equal((await ledger.take(taking('one', { key: 'job' }))).kind, 'empty');
      const record = await hot(ledger, 'a');
      assert.equal(await ledger.write(claimedBy(record, 'two', 'job')), undefined);
      const mine = await ledger.write(claimedBy(record, 'one', 'job'));
      assert.equal((await ledger.find('job'))?.version, mine?.version);
      assert.equal(
        (await ledger.take(taking('past', { key: 'late' }, { holdUntilMs: ledger.nowMs() - 1 }))).kind,
        'empty',
      );
      assert.equal((await ledger.take(taking('next', { key: 'late' }))).kind, 'empty');
    },
  },
  {
    name: 'a hold is ended by its own claim only',
    async run(open) {
      const ledger = await open();
      const holdUntilMs = ledger.nowMs() + 60_000;
      await ledger.take(taking('one', { key: 'job' }, { holdUntilMs }));
      await ledger.unhold('job', 'two');
      assert.equal((await ledger.take(taking('two', { key: 'job' }))).kind, 'held');
      await ledger.unhold('job', 'one');
      assert.equal((await ledger.take(taking('two', { key: 'job' }))).kind, 'empty');
    },
  },
  {
    name: 'a key in use for another spec or runtime is a conflict',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'a');
      await ledger.take(taking('one', { key: 'job' }));
      assert.deepEqual(await ledger.take(taking('two', { key: 'job', specKey: 'newer' })), {
        kind: 'conflict',
        runtime: 'tool',
      });
      assert.deepEqual(await ledger.take(taking('two', { key: 'job', runtime: 'other' })), {
        kind: 'conflict',
        runtime: 'tool',
      });
    },
  },
  {
    name: 'a sandbox that is being prepared is held for its claim and answered to nobody else',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'a');
      const first = await ledger.take(taking('one', { key: 'job' }, { preparing: true }));
      assert.equal(first.kind, 'taken');
      assert.equal((await ledger.take(taking('two', { key: 'job' }))).kind, 'held');
      assert.equal((await ledger.take(taking('one', { key: 'job' }))).kind, 'taken');
    },
  },
  {
    name: 'I5 a slot of another spec or pool is never taken',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'a');
      const stale = await ledger.take(
        taking('one', { specKey: 'newer' }, { shelves: [shelf('hot', 'pool', 'newer')] }),
      );
      assert.equal(stale.kind, 'empty');
      assert.equal((await ledger.take(taking('two', {}, { shelves: [shelf('hot', 'other', 'spec')] }))).kind, 'empty');
    },
  },
  {
    name: 'I6 a slot that would not live long enough is passed over and counted',
    async run(open) {
      const ledger = await open();
      const record = await hot(ledger, 'a');
      const beyond = { hardEndsAfterMs: record.hardEndsAtMs + 1 };
      assert.deepEqual(await ledger.take(taking('one', {}, beyond)), { kind: 'empty', passed: 1 });
      const ends = record.state.name === 'hot' ? record.state.endsAtMs + 1 : 0;
      assert.deepEqual(await ledger.take(taking('one', {}, { endsAfterMs: ends })), { kind: 'empty', passed: 1 });
      assert.equal((await ledger.take(taking('one'))).kind, 'taken');
    },
  },
  {
    name: 'I7 a claimed slot stands on no shelf again',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'a');
      const taken = await ledger.take(taking('one'));
      assert.ok(taken.kind === 'taken');
      const acked =
        taken.record.state.name === 'claimed' ? { ...taken.record.state, hold: 'acked' as const } : undefined;
      await ledger.write({ ...taken.record, state: acked! });
      assert.equal((await ledger.take(taking('two'))).kind, 'empty');
    },
  },
  {
    name: 'a kept sandbox is for its own user of its own tenant',
    async run(open) {
      const ledger = await open();
      const { state, ...record } = await hot(ledger, 'a');
      const place = 'place' in state ? state.place : undefined;
      await ledger.write({ ...record, state: { name: 'kept', place: place!, tenant: 'acme', userId: 'ada' } });
      const look = (tenant: string, user: string) =>
        ledger.take(taking(`${tenant}-${user}`, { tenant }, { shelves: [keptShelf('pool', 'spec', tenant, user)] }));
      assert.equal((await look('acme', 'bob')).kind, 'empty');
      assert.equal((await look('rival', 'ada')).kind, 'empty');
      const own = await look('acme', 'ada');
      assert.ok(own.kind === 'taken' && own.from === 'kept');
    },
  },
  {
    name: 'shelves are looked at in the order given, and the oldest slot of a shelf goes first',
    async run(open) {
      const ledger = await open();
      await hot(ledger, 'first');
      await hot(ledger, 'second');
      const parked = await hot(ledger, 'parked');
      const place = 'place' in parked.state ? parked.state.place : undefined;
      await ledger.write({ ...parked, state: { name: 'parked', place: place!, parkedAtMs: 0 } });
      const shelves = [shelf('hot', 'pool', 'spec'), shelf('parked', 'pool', 'spec')];
      const order: string[] = [];
      for (const id of ['one', 'two', 'three']) {
        const taken = await ledger.take(taking(id, {}, { shelves }));
        if (taken.kind === 'taken') order.push(`${taken.record.slotId} ${taken.from}`);
      }
      assert.deepEqual(order, ['first hot', 'second hot', 'parked parked']);
    },
  },
  {
    name: 'a tenant has no more claims at once than allowed',
    async run(open) {
      const ledger = await open();
      for (const id of ['a', 'b', 'c']) await hot(ledger, id);
      const first = await ledger.take(taking('one', { tenant: 'acme' }, { tenantMax: 1 }));
      assert.ok(first.kind === 'taken');
      const second = taking('two', { tenant: 'acme' }, { tenantMax: 1 });
      assert.deepEqual(await ledger.take(second), { kind: 'tenant_full', claims: 1 });
      assert.equal((await ledger.take(taking('three', { tenant: 'rival' }, { tenantMax: 1 }))).kind, 'taken');
      await ledger.remove(first.record);
      assert.equal((await ledger.take(second)).kind, 'taken');
    },
  },
  {
    name: 'takes asked for at once see each other: one slot for a key, and no tenant above its limit',
    async run(open) {
      const ledger = await open();
      for (const id of ['a', 'b', 'c']) await hot(ledger, id);
      const same = await Promise.all([1, 2, 3].map((index) => ledger.take(taking(`same-${index}`, { key: 'job' }))));
      const ids = same.map((result) => result.kind === 'taken' && result.record.slotId);
      assert.equal(new Set(ids).size, 1);
      const limited = await Promise.all(
        [1, 2].map((index) => ledger.take(taking(`limited-${index}`, { tenant: 'acme' }, { tenantMax: 1 }))),
      );
      assert.deepEqual(limited.map(({ kind }) => kind).sort(), ['taken', 'tenant_full']);
    },
  },
];
