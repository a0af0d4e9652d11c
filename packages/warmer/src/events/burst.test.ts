import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryEventLog } from '../adapters/memory-log.js';
import { followClaim } from './follow.js';
import { EventHub } from './hub.js';

const tenant = { kind: 'tenant', tenant: 'acme' } as const;
const sight = { tenant: 'acme', pools: false, operator: false };
const eta = { p50Ms: 0, p90Ms: 0, samples: 0 };
const progress = (claimId: string, share: number, outcome?: 'hot') =>
  ({
    type: 'claim-progress',
    claimId,
    runtime: 'tool',
    progress: share,
    phase: 'warming',
    eta,
    elapsedMs: 0,
    ...(outcome ? { outcome } : {}),
  }) as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('events of a moment', () => {
  it('go to each follower in one piece, and those of the next moment in another', () => {
    const log = new MemoryEventLog({ now: Date.now });
    const hub = new EventHub(log);
    const pieces: number[] = [];
    hub.followClaim('one', (burst) => pieces.push(burst.events.length));
    for (const share of [0.1, 0.2, 0.3]) log.append(progress('one', share), tenant);
    log.append(progress('other', 0.1), tenant);
    expect(pieces).toEqual([]);
    vi.advanceTimersByTime(2);
    log.append(progress('one', 0.4), tenant);
    vi.advanceTimersByTime(2);
    expect(pieces).toEqual([3, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('show each follower of everything what it may see, and no more', () => {
    const log = new MemoryEventLog({ now: Date.now });
    const hub = new EventHub(log);
    const seen: string[] = [];
    hub.followEverything(sight, (burst) => seen.push(...burst.events.map(({ event }) => event.type)));
    log.append(progress('one', 0.1), { kind: 'tenant', tenant: 'other' });
    log.append({ type: 'service-draining', graceMs: 0 }, { kind: 'operator' });
    log.append(progress('one', 0.2), tenant);
    vi.advanceTimersByTime(2);
    expect(seen).toEqual(['claim-progress']);
  });
});

describe('a follower that comes at any moment', () => {
  it('gets what it does not know once and in order, and the last event last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(8), fc.nat(8), fc.nat(8), async (before, moment, known) => {
        const log = new MemoryEventLog({ now: Date.now });
        const hub = new EventHub(log);
        const ids: string[] = [log.head()];
        const tell = (share: number, outcome?: 'hot') => {
          log.append(progress('one', share, outcome), tenant);
          ids.push(log.head());
        };
        hub.followClaim('one', () => undefined);
        for (let event = 0; event < before; event += 1) tell(event / 100);
        if (moment % 2 === 0) vi.advanceTimersByTime(2);
        const lastEventId = ids[Math.min(known, ids.length - 1)]!;
        const got: string[] = [];
        const following = followClaim(
          hub,
          { claimId: 'one', lastEventId, sight },
          async () => undefined,
          (burst) => got.push(...burst.events.map(({ event }) => event.id)),
        );
        for (let event = 0; event < moment; event += 1) tell(event / 100);
        await following;
        tell(1, 'hot');
        const end = ids.length;
        // Nothing follows the end of a warm-up.
        log.append(progress('one', 1), tenant);
        vi.advanceTimersByTime(2);
        expect(got).toEqual(ids.slice(ids.indexOf(lastEventId) + 1, end));
      }),
    );
  });
});
