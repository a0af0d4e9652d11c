import { LRUCache } from 'lru-cache';
import pMap from 'p-map';
import { type Digest, digestOf } from '../digest.js';
import { IntegrityError, SnapshotError, throwIfCancelled } from '../errors.js';
import { unwrap, wrap } from './envelope.js';
import { objectKey, type TierKey } from './tier.js';
import { TierAccess } from './tier-access.js';
import { type ParsedTieredOptions, parseTieredOptions, type TieredOptions } from './tier-options.js';

const negativeEntries = 100_000;

/**
 * Several tiers as one: reads go outwards from the nearest and bring back what they find, writes go to all. Nothing a
 * tier says is believed before it was verified.
 */
export class TieredObjects {
  readonly #options: ParsedTieredOptions;
  readonly #tiers: TierAccess[];
  readonly #flights = new Map<Digest, Promise<Buffer | undefined>>();
  readonly #background = new Set<Promise<void>>();
  /** Key to the time until which it counts as missing. */
  readonly #missing = new LRUCache<TierKey, number>({ max: negativeEntries });

  /** @throws {@link SnapshotError} `invalid_option` */
  constructor(options: TieredOptions) {
    this.#options = parseTieredOptions(options);
    this.#tiers = this.#options.tiers.map((use) => new TierAccess(use, this.#options));
  }

  get concurrency(): number {
    return this.#options.concurrency;
  }

  /**
   * The content with this digest from the nearest tier that really has it; nearer ones are given it. One flight per
   * digest. Undefined when no tier has it.
   *
   * @throws {@link SnapshotError} `cancelled`
   */
  async get(digest: Digest, options: { signal?: AbortSignal } = {}): Promise<Buffer | undefined> {
    throwIfCancelled(options.signal);
    const flight = this.#flights.get(digest) ?? this.#find(digest);
    if (!this.#flights.has(digest)) {
      this.#flights.set(digest, flight);
      const forget = () => void this.#flights.delete(digest);
      flight.then(forget, forget);
    }
    return untilCancelled(flight, options.signal);
  }

  /** Shared by all who ask, so no one's signal ends it; the tiers' time limits do. */
  async #find(digest: Digest): Promise<Buffer | undefined> {
    const key = objectKey(digest);
    for await (const { bytes } of this.candidates(key, {
      accept: (bytes, tier) => {
        if (digestOf(bytes) !== digest) throw new IntegrityError(digest, `tier ${tier}`, 'it has another digest');
      },
    })) {
      return bytes;
    }
    return undefined;
  }

  /**
   * What each tier has under a key, nearest first, as far as `accept` does not throw. What a caller takes (it stops asking)
   * is promoted to the nearer tiers. What it finds wrong later it gives to `refuse`: that is reported like anything corrupt.
   */
  async *candidates(
    key: TierKey,
    options: { accept: (bytes: Buffer, tier: string) => void; signal?: AbortSignal },
  ): AsyncGenerator<{ bytes: Buffer; tier: string; refuse(error: unknown): Promise<void> }> {
    const nowMs = this.#options.clock.nowMs();
    if ((this.#missing.get(key) ?? 0) > nowMs) return;
    let unsure = false;
    let found = false;
    for (const [position, tier] of this.#tiers.entries()) {
      throwIfCancelled(options.signal);
      const answer = await tier.get(key, options.signal);
      if (answer.kind === 'unsure') unsure = true;
      if (answer.kind !== 'found') continue;
      const content = await this.#open(key, tier, answer.bytes, options.accept);
      if (!content) {
        unsure = true;
        continue;
      }
      found = true;
      let taken = true;
      try {
        yield { bytes: content, tier: tier.name, refuse: (error) => tier.rejectCorrupt(key, error) };
        taken = false;
      } finally {
        if (taken) this.#promote(key, content, this.#tiers.slice(0, position));
      }
    }
    if (!found && !unsure) this.#missing.set(key, this.#options.clock.nowMs() + this.#options.negativeTtlMs);
  }

  async #open(
    key: TierKey,
    tier: TierAccess,
    bytes: Uint8Array,
    accept: (bytes: Buffer, tier: string) => void,
  ): Promise<Buffer | undefined> {
    try {
      const content = await unwrap(bytes, tier.maximumObjectBytes);
      accept(content, tier.name);
      return content;
    } catch (error) {
      await tier.rejectCorrupt(key, error);
      return undefined;
    }
  }

  /** Keeps content under its digest. See {@link putRef} for what it waits for. */
  async put(content: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Digest> {
    const digest = digestOf(content);
    await this.putRef(objectKey(digest), content, options);
    return digest;
  }

  /**
   * Keeps bytes under a key in every tier that takes them. Waits for the write-through tiers; one that fails is tried
   * again in the background like the write-back ones.
   *
   * @throws {@link SnapshotError} `tier_failed` when there are write-through tiers and none of them took it
   */
  async putRef(key: TierKey, content: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<void> {
    throwIfCancelled(options.signal);
    this.#missing.delete(key);
    const wrapped = new Map<'auto' | 'never', Promise<Buffer>>();
    const wrapOnce = (compression: 'auto' | 'never') => {
      const known = wrapped.get(compression) ?? wrap(content, compression);
      wrapped.set(compression, known);
      return known;
    };
    const writers = this.#tiers.filter((tier) => tier.writes !== 'never' && tier.takes(content.length));
    const through = writers.filter((tier) => tier.writes === 'through');
    const results = await Promise.all(
      through.map(async (tier) => tier.put(key, await wrapOnce(tier.compression), options.signal)),
    );
    throwIfCancelled(options.signal);
    if (through.length > 0 && results.every((error) => error !== undefined)) {
      throw new SnapshotError(
        'tier_failed',
        `None of the tiers ${through.map((tier) => tier.name).join(', ')} took ${key}. Look at the cause, then push again.`,
        { cause: results[0] },
      );
    }
    const later = writers.filter((tier) => tier.writes === 'back' || results[through.indexOf(tier)] !== undefined);
    for (const tier of later)
      this.#inBackground(async () => tier.putWithRetries(key, await wrapOnce(tier.compression)));
  }

  /** Runs `work` for every item, as many at once as the options say. */
  forEach<Item, Value>(
    items: readonly Item[],
    work: (item: Item) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value[]> {
    return pMap(items, work, { concurrency: this.#options.concurrency, ...(signal && { signal }) });
  }

  /** Resolves when promotions and writes in the background have ended. */
  async settle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Waits for the background, then closes what the adapters opened. */
  async close(): Promise<void> {
    await this.settle();
    await Promise.all(this.#tiers.map((tier) => tier.close()));
  }

  #promote(key: TierKey, content: Buffer, nearer: readonly TierAccess[]): void {
    for (const tier of nearer) {
      if (!tier.promotes || !tier.takes(content.length)) continue;
      this.#inBackground(async () => {
        await tier.put(key, await wrap(content, tier.compression), undefined);
      });
    }
  }

  #inBackground(work: () => Promise<void>): void {
    const flight = work().finally(() => this.#background.delete(flight));
    this.#background.add(flight);
  }
}

/** A caller that gives up leaves at once; the work goes on for the others. */
async function untilCancelled<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return work;
  const over = new AbortController();
  const cancelled = new Promise<never>((_resolve, reject) => {
    const give = () => {
      try {
        throwIfCancelled(signal);
      } catch (error) {
        reject(error);
      }
    };
    signal.addEventListener('abort', give, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    over.abort();
  }
}
