import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareEventIds, type LoggedEvent, nextEventId } from './log.js';
import { EventRing } from './ring.js';

const logged = (id: string): LoggedEvent => ({
  event: { type: 'stream-reset', id, atMs: 0 },
  audience: { kind: 'operator' },
});

describe('event ids', () => {
  it('grow whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 })), (clock) => {
        let last = '500-0';
        for (const nowMs of clock) {
          const next = nextEventId(last, nowMs);
          expect(compareEventIds(next, last)).toBeGreaterThan(0);
          last = next;
        }
      }),
    );
  });
});

describe('the ring', () => {
  it('gives exactly what came after an id, or says that it no longer can', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 80 }),
        fc.nat(80),
        (capacity, count, from) => {
          const ring = new EventRing(capacity, '0-0');
          for (let number = 1; number <= count; number += 1) ring.push(logged(`${number}-0`));
          const expected = Array.from({ length: Math.max(0, count - from) }, (_, index) => `${from + index + 1}-0`);
          const kept = ring.after(`${from}-0`)?.map(({ event }) => event.id);
          if (from < count - capacity) expect(kept).toBeUndefined();
          else expect(kept).toEqual(expected);
        },
      ),
    );
  });
});
