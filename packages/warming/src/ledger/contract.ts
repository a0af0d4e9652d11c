import assert from 'node:assert/strict';
import type { Ledger, ReserveLimits, TakeRequest } from './ledger.js';
import { type ClaimRecord, keptShelf, type SlotRecord, shelf } from './record.js';

/** One promise of the {@link Ledger} port. */
export interface ContractCase {
  readonly name: string;
  /** @param open gives a handle on one and the same empty ledger, another one each time it can */
  run(open: () => Promise<Ledger>): Promise<void>;
}

/**
 * What every ledger must do. An adapter runs all of it in its own tests:
 *
 * @example
 * ```ts
 * for (const { name, run } of ledgerContract) it(name, () => run(openMyLedger));
 * ```
 */
export const ledgerContract: readonly ContractCase[] = [
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

const wide: ReserveLimits = {
  max: 1_000,
  goal: 1_000,
  running: 1_000,
  rate: { perSecond: 1_000, burst: 1_000, leave: 0 },
};

const farMs = 10_000_000_000_000;

function slot(slotId: string): SlotRecord {
  return {
    slotId,
    version: 1,
    pool: 'pool',
    specKey: 'spec',
    owner: 'replica',
    purpose: 'hot',
    createdAtMs: 1,
    dueAtMs: farMs,
    hardEndsAtMs: farMs,
    state: { name: 'creating' },
  };
}

function slotWithPlace(slotId: string): SlotRecord {
  const place = { sandboxId: `sandbox-of-${slotId}`, envdVersion: '0.6.13' };
  return { ...slot(slotId), state: { name: 'warming', place } };
}

async function reserved(ledger: Ledger, slotId: string): Promise<SlotRecord> {
  const result = await ledger.reserve(slot(slotId), wide);
  assert.ok(result.kind === 'reserved');
  return result.record;
}

async function hot(
  ledger: Ledger,
  slotId: string,
  place: { sealed?: string; sandboxDomain?: string } = {},
): Promise<SlotRecord> {
  const record = await reserved(ledger, slotId);
  const written = await ledger.write({
    ...record,
    state: {
      name: 'hot',
      place: { sandboxId: `sandbox-of-${slotId}`, envdVersion: '0.6.13', ...place },
      hotSinceMs: 1,
      endsAtMs: farMs - 1,
    },
  });
  assert.ok(written);
  return written;
}

function claimedBy(record: SlotRecord, claimId: string, key: string): SlotRecord {
  const place = 'place' in record.state ? record.state.place : undefined;
  const claim: ClaimRecord = { claimId, key, tenant: 'default', runtime: 'tool', specKey: 'spec', source: 'hot' };
  return { ...record, state: { name: 'claimed', place: place!, claim, endsAtMs: farMs, hold: 'leased' } };
}

function taking(claimId: string, claim: Partial<ClaimRecord> = {}, request: Partial<TakeRequest> = {}): TakeRequest {
  return {
    claim: { claimId, key: claimId, tenant: 'default', runtime: 'tool', specKey: 'spec', source: 'hot', ...claim },
    shelves: [shelf('hot', 'pool', 'spec')],
    hardEndsAfterMs: 0,
    endsAfterMs: 0,
    leaseUntilMs: farMs,
    owner: 'replica',
    preparing: false,
    tenantMax: 1_000,
    ...request,
  };
}
