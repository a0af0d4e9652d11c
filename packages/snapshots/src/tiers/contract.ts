import { deepEqual, equal, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { digestOf } from '../digest.js';
import { objectKey, refKey, type Tier } from './tier.js';

/** What a test runner has to offer; vitest, jest and `node:test` do. */
export interface ContractRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** How the suite gets at the tier under test. */
export interface ContractSubject {
  /** An empty tier; called once for each test. */
  open(): Promise<Tier>;
  /** For a read-only tier: puts something where it will be read. @default the tier's own `put` */
  seed?(key: string, bytes: Uint8Array): Promise<void>;
  /** Removes what `open` made. */
  dispose?(): Promise<void>;
  /** Waits until something kept for `ttlMs` is over. Left out, expiry is not tested. */
  passTime?(ttlMs: number): Promise<void>;
  /**
   * The server behind the tier mixes two uploads of one key, as some servers for tests do. Two writers at once are not
   * tried then. @default false
   */
  mixesUploads?: boolean;
}

/** The promises of a {@link Tier}, for every adapter, ours or yours. */
export function tierContract(name: string, subject: ContractSubject, runner: ContractRunner): void {
  const { describe, it } = runner;
  const withTier = async (body: (tier: Tier) => Promise<void>) => {
    const tier = await subject.open();
    try {
      await body(tier);
    } finally {
      await tier.close?.();
      await subject.dispose?.();
    }
  };
  const put = (tier: Tier, key: ReturnType<typeof objectKey>, bytes: Uint8Array) =>
    tier.put ? tier.put(key, bytes) : (subject.seed?.(key, bytes) ?? Promise.reject(new Error('give a "seed"')));

  describe(`tier contract: ${name}`, () => {
    it('gives back the bytes that were put', () =>
      withTier(async (tier) => {
        for (const bytes of [Buffer.alloc(0), Buffer.from('text'), randomBytes(300_000)]) {
          const key = objectKey(digestOf(bytes));
          await put(tier, key, bytes);
          deepEqual(Buffer.from((await tier.get(key))!), bytes);
        }
      }));

    it('answers undefined for what it does not have', () =>
      withTier(async (tier) => {
        equal(await tier.get(objectKey(digestOf('nothing'))), undefined);
        equal(await tier.get(refKey('pack', digestOf('nothing'))), undefined);
      }));

    it('keeps objects and references of the same digest apart', () =>
      withTier(async (tier) => {
        const digest = digestOf('same');
        await put(tier, objectKey(digest), Buffer.from('object'));
        await put(tier, refKey('snapshot', digest), Buffer.from('snapshot'));
        await put(tier, refKey('pack', digest), Buffer.from('pack'));
        equal(Buffer.from((await tier.get(objectKey(digest)))!).toString(), 'object');
        equal(Buffer.from((await tier.get(refKey('snapshot', digest)))!).toString(), 'snapshot');
        equal(Buffer.from((await tier.get(refKey('pack', digest)))!).toString(), 'pack');
      }));

    it('ends with an error when the signal has fired', () =>
      withTier(async (tier) => {
        const key = objectKey(digestOf('x'));
        await put(tier, key, Buffer.from('x'));
        const outcome = await tier.get(key, { signal: AbortSignal.abort() }).then(
          (bytes) => bytes === undefined || Buffer.from(bytes).equals(Buffer.from('x')),
          () => true,
        );
        ok(outcome);
      }));

    it('lets the last of two writers win, and never shows a part', () =>
      withTier(async (tier) => {
        if (!tier.put) return;
        const key = refKey('snapshot', digestOf('moving'));
        const first = Buffer.alloc(200_000, 1);
        const second = Buffer.alloc(100_000, 2);
        if (subject.mixesUploads) await tier.put(key, first);
        else await Promise.all([tier.put(key, first), tier.put(key, second)]);
        const seen = Buffer.from((await tier.get(key))!);
        ok(seen.equals(first) || seen.equals(second));
        await tier.put(key, second);
        deepEqual(Buffer.from((await tier.get(key))!), second);
      }));

    it('deletes, and says whether there was something', () =>
      withTier(async (tier) => {
        if (!tier.delete) return;
        const key = objectKey(digestOf('gone'));
        await put(tier, key, Buffer.from('gone'));
        equal(await tier.delete(key), true);
        equal(await tier.get(key), undefined);
        equal(await tier.delete(key), false);
      }));

    it('forgets what its time is over for', () =>
      withTier(async (tier) => {
        if (!tier.put || !subject.passTime) return;
        const key = objectKey(digestOf('short'));
        await tier.put(key, Buffer.from('short'), { ttlMs: 40 });
        await tier.put(objectKey(digestOf('long')), Buffer.from('long'), { ttlMs: 600_000 });
        await subject.passTime(40);
        equal(await tier.get(key), undefined);
        equal(Buffer.from((await tier.get(objectKey(digestOf('long'))))!).toString(), 'long');
      }));
  });
}
