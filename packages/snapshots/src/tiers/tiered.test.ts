import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../../../test/snapshots/support.js';
import { createMemoryTier } from '../adapters/memory-tier.js';
import type { Clock } from '../clock.js';
import { digestOf } from '../digest.js';
import { isSnapshotError } from '../errors.js';
import { unwrap, wrap } from './envelope.js';
import { objectKey, type Tier } from './tier.js';
import type { TieredOptions, TierProblem } from './tier-options.js';
import { TieredObjects } from './tiered.js';

/** A clock whose sleepers wake only when it is moved. */
function manualClock(): Clock & { advance(ms: number): void } {
  const sleepers = new Set<{ atMs: number; wake: () => void }>();
  let nowMs = 1_000_000;
  return {
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { atMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
    advance: (ms) => {
      nowMs += ms;
      for (const sleeper of sleepers) {
        if (sleeper.atMs > nowMs) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

/** A tier in memory that counts, and that can be made to fail, lie or hang. */
function observed(name: string): Tier & {
  gets: number;
  puts: number;
  objects: Map<string, Uint8Array>;
  mood: 'well' | 'failing' | 'hanging';
} {
  const tier = {
    name,
    gets: 0,
    puts: 0,
    objects: new Map<string, Uint8Array>(),
    mood: 'well' as 'well' | 'failing' | 'hanging',
    async act() {
      if (tier.mood === 'failing') throw new Error(`${name} is down`);
      if (tier.mood === 'hanging') await new Promise(() => {});
    },
    async get(key: string) {
      tier.gets += 1;
      await tier.act();
      return tier.objects.get(key);
    },
    async put(key: string, bytes: Uint8Array) {
      tier.puts += 1;
      await tier.act();
      tier.objects.set(key, bytes);
    },
    async delete(key: string) {
      return tier.objects.delete(key);
    },
  };
  return tier;
}

function setUp(options: Partial<TieredOptions> = {}) {
  const near = observed('near');
  const far = observed('far');
  const problems: TierProblem[] = [];
  const clock = manualClock();
  const tiers = new TieredObjects({
    tiers: [{ tier: near }, { tier: far }],
    clock,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  return { near, far, problems, clock, tiers };
}

const content = Buffer.from('content of an object');
const digest = digestOf(content);

describe('tiers', () => {
  it('read through to the far one and bring back what they find', async () => {
    const { near, far, tiers } = setUp();
    far.objects.set(objectKey(digest), await wrap(content, 'never'));
    expect(await tiers.get(digest)).toEqual(content);
    await tiers.settle();
    expect(near.objects.has(objectKey(digest))).toBe(true);
    expect(await tiers.get(digest)).toEqual(content);
    expect(far.gets).toBe(1);
  });

  it('ask once however many want the same', async () => {
    const { near, far, tiers } = setUp();
    far.objects.set(objectKey(digest), await wrap(content, 'never'));
    await Promise.all(Array.from({ length: 10 }, () => tiers.get(digest)));
    expect([near.gets, far.gets]).toEqual([1, 1]);
  });

  it('do not let one who gives up take the answer from the others', async () => {
    const { far, tiers } = setUp();
    far.objects.set(objectKey(digest), await wrap(content, 'never'));
    const controller = new AbortController();
    const leaving = tiers.get(digest, { signal: controller.signal });
    const staying = tiers.get(digest);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    expect(await staying).toEqual(content);
  });

  it('do not ask again for what none has, until the time is over', async () => {
    const { near, clock, tiers } = setUp({ negativeTtlMs: 1000 });
    expect(await tiers.get(digest)).toBeUndefined();
    expect(await tiers.get(digest)).toBeUndefined();
    expect(near.gets).toBe(1);
    clock.advance(1001);
    await tiers.get(digest);
    expect(near.gets).toBe(2);
    await tiers.put(content);
    expect(await tiers.get(digest)).toEqual(content);
  });

  it('detect, report and pass by a tier that is corrupt or lies', async () => {
    const { near, far, problems, tiers } = setUp();
    far.objects.set(objectKey(digest), await wrap(content, 'never'));
    for (const lie of [await wrap(Buffer.from('something else'), 'never'), Buffer.from('garbage'), Buffer.alloc(0)]) {
      near.objects.set(objectKey(digest), lie);
      expect(await tiers.get(digest)).toEqual(content);
      await tiers.settle();
    }
    expect(problems.map(({ tier, problem }) => [tier, problem])).toEqual([
      ['near', 'corrupt'],
      ['near', 'corrupt'],
      ['near', 'corrupt'],
    ]);
    expect(await unwrap(near.objects.get(objectKey(digest))!, 1000)).toEqual(content);
  });

  it('give no wrong byte when every tier lies', async () => {
    const { near, far, tiers } = setUp();
    near.objects.set(objectKey(digest), await wrap(Buffer.from('x'), 'never'));
    far.objects.set(objectKey(digest), await wrap(Buffer.from('y'), 'never'));
    expect(await tiers.get(digest)).toBeUndefined();
  });

  it('pass by a tier that hangs, and leave it alone for a while', async () => {
    const { near, far, problems, clock, tiers } = setUp({ bypassMs: 5000, negativeTtlMs: 0 });
    far.objects.set(objectKey(digest), await wrap(content, 'never'));
    near.mood = 'hanging';
    const answer = tiers.get(digest);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(10_000);
    expect(await answer).toEqual(content);
    expect(problems[0]).toMatchObject({ tier: 'near', problem: 'timeout', error: { code: 'tier_timeout' } });
    await tiers.get(digest);
    expect(near.gets).toBe(1);
    clock.advance(5001);
    near.mood = 'well';
    await tiers.get(digest);
    expect(near.gets).toBe(2);
  });

  it('wait for write-through tiers and not for write-back ones, which try again', async () => {
    const clock = fakeClock();
    const slow = observed('slow');
    const fast = observed('fast');
    const problems: TierProblem[] = [];
    const tiers = new TieredObjects({
      tiers: [{ tier: fast }, { tier: slow, write: 'back' }],
      clock: { ...clock, sleep: (ms, signal) => (ms < 10_000 ? clock.sleep(ms) : manualClock().sleep(ms, signal)) },
      onProblem: (problem) => {
        problems.push(problem);
        slow.mood = 'well';
      },
    });
    slow.mood = 'failing';
    await tiers.put(content);
    expect(fast.objects.size).toBe(1);
    await tiers.settle();
    expect(slow.objects.size).toBe(1);
    expect(slow.puts).toBe(2);
    expect(problems).toHaveLength(1);
  });

  it('say so when no write-through tier took it', async () => {
    const { near, far, tiers } = setUp();
    near.mood = 'failing';
    far.mood = 'failing';
    await expect(tiers.put(content)).rejects.toMatchObject({ code: 'tier_failed', cause: { message: 'near is down' } });
  });

  it('pass an object by where it is too large', async () => {
    const near = observed('near');
    const far = observed('far');
    const tiers = new TieredObjects({ tiers: [{ tier: near, maximumObjectBytes: 10 }, { tier: far }] });
    await tiers.put(content);
    await tiers.get(digest);
    await tiers.settle();
    expect([near.objects.size, far.objects.size]).toEqual([0, 1]);
  });

  it('never write to a tier that is read only', async () => {
    const { put: _put, delete: _delete, ...readOnly } = observed('cdn');
    const far = observed('far');
    const tiers = new TieredObjects({ tiers: [{ tier: readOnly }, { tier: far }] });
    await tiers.put(content);
    expect(await tiers.get(digest)).toEqual(content);
    await tiers.close();
  });

  it('make room in memory by what was used least recently', async () => {
    const tier = createMemoryTier({ maximumBytes: 2500 });
    const key = (name: string) => objectKey(digestOf(name));
    await tier.put!(key('a'), Buffer.alloc(1000));
    await tier.put!(key('b'), Buffer.alloc(1000));
    await tier.get(key('a'));
    await tier.put!(key('c'), Buffer.alloc(1000));
    expect(await tier.get(key('b'))).toBeUndefined();
    expect(await tier.get(key('a'))).toBeDefined();
  });

  it('are not opened with wrong options', () => {
    expect(() => new TieredObjects({ tiers: [] })).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });
});

describe('the envelope of an object', () => {
  it('gives back any content, compressed only where it pays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat(200), async (bytes, repeat) => {
        const original = Buffer.concat(Array.from({ length: repeat + 1 }, () => Buffer.from(bytes)));
        const wrapped = await wrap(original, 'auto');
        expect(await unwrap(wrapped, original.length)).toEqual(original);
        expect(wrapped.length).toBeLessThanOrEqual(original.length + 11);
      }),
      { numRuns: 60 },
    );
  });

  it('does not unpack a bomb', async () => {
    const bomb = await wrap(Buffer.alloc(10_000_000), 'auto');
    expect(bomb.length).toBeLessThan(1000);
    await expect(unwrap(bomb, 1_000_000)).rejects.toMatchObject({ code: 'archive_too_large' });
    bomb.writeUIntBE(1000, 5, 6);
    await expect(unwrap(bomb, 1_000_000)).rejects.toMatchObject({ code: 'archive_invalid' });
  });

  it('gives a typed error for any other bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.boolean(), async (bytes, head) => {
        const input = head ? Buffer.concat([Buffer.from('PLO1'), bytes]) : bytes;
        await unwrap(input, 1000).catch((error: unknown) => expect(isSnapshotError(error)).toBe(true));
      }),
    );
  });
});
