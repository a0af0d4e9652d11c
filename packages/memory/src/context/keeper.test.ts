import { describe, expect, it } from 'vitest';
import { ManualClock, settleAll } from '../../../../test/memory/manual-clock.js';
import { MemoryError } from '../errors.js';
import { estimateTokens } from '../text/tokens.js';
import { SnapshotKeeper } from './keeper.js';
import { type Snapshot, snapshotOf } from './snapshot.js';

interface Flight {
  land(text: string): void;
  crash(failure: Error): void;
}

function harness() {
  const clock = new ManualClock();
  const flights: Flight[] = [];
  const keeper = new SnapshotKeeper({
    clock,
    ttlMs: 1_000,
    staleMs: 5_000,
    pauseMs: 200,
    mostScopes: 2,
    load: () =>
      new Promise<Snapshot>((resolve, reject) => {
        flights.push({
          land: (text) =>
            resolve(
              snapshotOf([{ id: '1', memory: text }], false, { longestItemChars: 500, countTokens: estimateTokens }),
            ),
          crash: reject,
        });
      }),
  });
  return { clock, flights, keeper };
}

const user = { userId: 'u' };

function textOf(reading: { snapshot: Snapshot | undefined }): string | undefined {
  return reading.snapshot?.candidates[0]?.item.memory;
}

describe('a kept context', () => {
  it('is one flight for many callers, then cached without a question', async () => {
    const { clock, flights, keeper } = harness();
    const readings = [keeper.prefetch(user), keeper.read(user, 800), keeper.read(user, 800)] as const;
    await settleAll();
    expect(flights).toHaveLength(1);
    flights[0]!.land('first');
    expect((await readings[1]).status).toBe('fresh');
    expect((await readings[2]).status).toBe('fresh');
    expect(await keeper.read(user, 800)).toMatchObject({ status: 'cached' });
    expect(flights).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
  });

  it('is served stale while one new flight is under way, and asked for again when too old', async () => {
    const { clock, flights, keeper } = harness();
    const first = keeper.read(user, 800);
    flights[0]!.land('first');
    await first;
    await clock.advance(2_000);
    expect(await keeper.read(user, 800)).toMatchObject({ status: 'stale' });
    expect(await keeper.read(user, 800)).toMatchObject({ status: 'stale' });
    expect(flights).toHaveLength(2);
    flights[1]!.land('second');
    await settleAll();
    const cached = await keeper.read(user, 800);
    expect([cached.status, textOf(cached)]).toEqual(['cached', 'second']);
    await clock.advance(6_000);
    const late = keeper.read(user, 800);
    await settleAll();
    expect(flights).toHaveLength(3);
    await clock.advance(800);
    const timedOut = await late;
    expect([timedOut.status, textOf(timedOut)]).toEqual(['timeout', 'second']);
  });

  it('does not wait longer than its deadline, and the late answer serves the next call', async () => {
    const { clock, flights, keeper } = harness();
    const early = keeper.read(user, 800);
    await settleAll();
    await clock.advance(800);
    expect(await early).toMatchObject({ status: 'timeout', snapshot: undefined, failure: { code: 'timeout' } });
    flights[0]!.land('late');
    await settleAll();
    expect((await keeper.read(user, 800)).status).toBe('cached');
    expect(clock.sleeping).toBe(0);
  });

  it('leaves a failing source alone for as long as it asked', async () => {
    const { clock, flights, keeper } = harness();
    const first = keeper.read(user, 800);
    flights[0]!.crash(new MemoryError('rate_limited', 'slow down', { retryAfterMs: 7_000 }));
    expect(await first).toMatchObject({ status: 'error', failure: { code: 'rate_limited' } });
    await clock.advance(6_900);
    expect((await keeper.read(user, 800)).status).toBe('error');
    await keeper.prefetch(user);
    expect(flights).toHaveLength(1);
    await clock.advance(200);
    const again = keeper.read(user, 800);
    flights[1]!.land('back');
    expect((await again).status).toBe('fresh');
  });

  it('gives what was known when the source fails', async () => {
    const { clock, flights, keeper } = harness();
    const first = keeper.read(user, 800);
    flights[0]!.land('known');
    await first;
    await clock.advance(10_000);
    const second = keeper.read(user, 800);
    flights[1]!.crash(new TypeError('fetch failed'));
    const reading = await second;
    expect([reading.status, textOf(reading)]).toEqual(['error', 'known']);
  });

  it('forgets a user after a write, also what was being fetched', async () => {
    const { flights, keeper } = harness();
    const during = keeper.read(user, 800);
    keeper.invalidate({ userId: 'u', runId: 'r' });
    flights[0]!.land('before the write');
    await during;
    const after = keeper.read(user, 800);
    await settleAll();
    expect(flights).toHaveLength(2);
    flights[1]!.land('after the write');
    expect(textOf(await after)).toBe('after the write');
  });

  it('keeps no more users than it may, and never one under the name of another', async () => {
    const { flights, keeper } = harness();
    for (const userId of ['a', 'b', 'c']) {
      const reading = keeper.read({ userId }, 800);
      flights.at(-1)!.land(`of ${userId}`);
      expect(textOf(await reading)).toBe(`of ${userId}`);
    }
    expect(textOf(await keeper.read({ userId: 'c' }, 800))).toBe('of c');
    const evicted = keeper.read({ userId: 'a' }, 800);
    await settleAll();
    expect(flights).toHaveLength(4);
    flights[3]!.land('of a again');
    expect(textOf(await evicted)).toBe('of a again');
  });

  it('stops waiting when its caller leaves, with no timer left', async () => {
    const { clock, keeper } = harness();
    const caller = new AbortController();
    const reading = keeper.read(user, 800, caller.signal);
    await settleAll();
    caller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    await settleAll();
    expect(clock.sleeping).toBe(0);
  });
});
