import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock } from '../clock.js';
import type { Digest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { FileExecutor } from '../file-executor.js';
import { BlobWriter } from './blob-writer.js';
import { type CaptureOptions, type CaptureResult, captureDirectory } from './capture.js';
import { captureEntries, type EntriesSnapshot, type EntryWriter } from './capture-entries.js';
import { type CollectOptions, type CollectReport, collect } from './collect.js';
import { commit } from './commit.js';
import { CommitLock } from './commit-lock.js';
import type { StoreCore } from './core.js';
import { bundleBlobs, importBundle, importSnapshot, reachOf } from './exchange.js';
import { layoutOf, prepareLayout, readGeneration } from './layout.js';
import { OwnerView } from './owner-view.js';
import { ownProcessMark } from './process-mark.js';
import { type RestoreOptions, type RestoreResult, restoreSnapshot } from './restore.js';
import { ScanMemory } from './scan-memory.js';
import { maximumBlobBytes } from './segment-format.js';
import { SegmentSet } from './segments.js';
import { dropSnapshot, listSnapshotIds, readSnapshot, readSnapshotText, type Snapshot } from './snapshot-record.js';
import { decodeTree, type TreeEntry } from './tree.js';
import { type VerifyReport, verify } from './verify.js';

export interface StoreOptions {
  /** Where the store lies; created when it is not there. Several processes may use it at once. */
  directory: string;
  /**
   * Threads that read, hash and write files. 0 does it on the caller's thread, in slices of a few milliseconds.
   * @default the machine's cores, at most 4
   */
  threads?: number;
  /** Files larger than this are split into chunks of this size. @default 1_048_576 */
  chunkBytes?: number;
  /**
   * Wait for the disk before a snapshot counts as taken, so that it survives a power cut and not only a crash of the
   * process. @default false
   */
  flushToDisk?: boolean;
  /** How long to wait for another process's commit. @default 60_000 */
  lockTimeoutMs?: number;
  /** @default the clock of this machine */
  clock?: Clock;
}

const optionsSchema = z.strictObject({
  directory: z.string().min(1),
  threads: z.number().int().min(0).max(64).default(Math.min(4, availableParallelism())),
  chunkBytes: z.number().int().min(4096).max(maximumBlobBytes).default(1_048_576),
  flushToDisk: z.boolean().default(false),
  lockTimeoutMs: z.number().int().min(1).default(60_000),
  clock: z.custom<Clock>().default(systemClock),
});

const lockStaleMs = 30_000;

/**
 * Opens a content-addressed store.
 *
 * @throws {@link SnapshotError} `invalid_option`, `store_unusable` or `disk_full`
 *
 * @example
 * ```ts
 * const store = await openStore({ directory: '/var/lib/pilotlight' });
 * const { snapshot } = await store.capture('/srv/template');
 * const copy = await store.clone(snapshot.id, 'user-1');
 * await store.restore(copy.id, '/srv/work/user-1');
 * await store.close();
 * ```
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const name = issue.path.join('.');
    const given = JSON.stringify(options?.[name as keyof StoreOptions]);
    throw new SnapshotError(
      'invalid_option',
      `Option "${name}" of the store cannot be used: ${issue.message} (given: ${given}). Correct it and open the store again.`,
    );
  }
  const { directory, threads, lockTimeoutMs, clock, ...rest } = parsed.data;
  const layout = layoutOf(resolve(directory));
  prepareLayout(layout);
  const name = randomBytes(12).toString('hex');
  return new Store({
    ...rest,
    layout,
    clock,
    randomName: () => randomBytes(12).toString('hex'),
    segments: new SegmentSet(layout),
    lock: new CommitLock({
      directory: layout.lock,
      markPath: join(layout.temporary, `${name}.mark`),
      mark: ownProcessMark(),
      clock,
      staleMs: lockStaleMs,
      timeoutMs: lockTimeoutMs,
    }),
    executor: new FileExecutor(threads),
    scans: new ScanMemory(layout),
    temporaryPrefix: `${name}.`,
  });
}

/** A content-addressed store on a local disk. Made by {@link openStore}; whoever opened it closes it. */
export class Store {
  readonly #core: StoreCore;
  readonly #blobs: BlobWriter;
  #closed = false;

  /** @internal */
  constructor(core: StoreCore) {
    this.#core = core;
    this.#blobs = new BlobWriter(core);
  }

  /**
   * Freezes a directory. What did not change since the last capture of the same path is not read again.
   *
   * @throws {@link SnapshotError} `source_unreadable`, `disk_full`, `cancelled`, `store_busy`
   */
  async capture(directory: string, options: CaptureOptions = {}): Promise<CaptureResult> {
    return captureDirectory(this.#open(), directory, options);
  }

  /**
   * Writes a snapshot into a new directory, whole or not at all.
   *
   * @throws {@link SnapshotError} `snapshot_unknown`, `target_not_empty`, `blob_missing`, `disk_full`, `cancelled`
   * @throws {@link IntegrityError} when a byte of the store is not what it was
   */
  async restore(id: Digest, target: string, options: RestoreOptions = {}): Promise<RestoreResult> {
    const core = this.#open();
    return restoreSnapshot(core, readSnapshot(core.layout, id), target, options);
  }

  /**
   * Gives an owner a snapshot of its own with the same content. One record is written, whatever the size of the tree.
   *
   * @throws {@link SnapshotError} `snapshot_unknown`
   */
  async clone(id: Digest, owner: string): Promise<Snapshot> {
    const core = this.#open();
    const generation = readGeneration(core.layout);
    const { id: parent, ...origin } = readSnapshot(core.layout, id);
    const clone = await commit(core, [], generation, { ...origin, parent, owner, createdAtMs: core.clock.nowMs() });
    return clone ?? this.clone(id, owner);
  }

  /** @throws {@link SnapshotError} `snapshot_unknown` */
  snapshot(id: Digest): Snapshot {
    return readSnapshot(this.#open().layout, id);
  }

  /** Ids of all snapshots, in no order. */
  list(): Digest[] {
    return listSnapshotIds(this.#open().layout);
  }

  /** The snapshot and what it came from, nearest first. Ends where an ancestor was dropped. */
  ancestry(id: Digest): Snapshot[] {
    const known = new Set(this.list());
    const line: Snapshot[] = [this.snapshot(id)];
    for (let parent = line[0]!.parent; parent && known.delete(parent); parent = line.at(-1)!.parent) {
      line.push(this.snapshot(parent));
    }
    return line;
  }

  /** Forgets a snapshot; {@link collect} frees what no other one needs. False when there was none. */
  async drop(id: Digest): Promise<boolean> {
    const core = this.#open();
    return core.lock.hold(() => dropSnapshot(core.layout, id));
  }

  /** Keeps bytes; many calls at once share one segment. A blob that no snapshot reaches is swept after the grace time. */
  async putBlob(bytes: Uint8Array): Promise<Digest> {
    this.#open();
    return this.#blobs.put(bytes);
  }

  /**
   * Bytes with this digest, verified.
   *
   * @throws {@link SnapshotError} `blob_missing`
   * @throws {@link IntegrityError}
   */
  readBlob(digest: Digest): Buffer {
    return this.#open().segments.read(digest);
  }

  hasBlob(digest: Digest): boolean {
    return this.#open().segments.findBytes(Buffer.from(digest, 'hex')) !== undefined;
  }

  /** @throws {@link SnapshotError} `blob_missing`, `tree_invalid` */
  readTree(digest: Digest): TreeEntry[] {
    return decodeTree(this.readBlob(digest));
  }

  /** Makes a snapshot from entries that come from elsewhere, for example out of a sandbox. @throws {@link SnapshotError} */
  async captureEntries(
    details: EntriesSnapshot,
    fill: (writer: EntryWriter) => Promise<void>,
  ): Promise<{ snapshot: Snapshot; written: { blobs: number; bytes: number } }> {
    return captureEntries(this.#open(), details, fill);
  }

  /** The record of a snapshot as it is stored. @throws {@link SnapshotError} `snapshot_unknown` */
  snapshotText(id: Digest): string {
    return readSnapshotText(this.#open().layout, id);
  }

  /** Every blob that a snapshot needs, with its length. @throws {@link SnapshotError} `snapshot_unknown`, `blob_missing` */
  reach(id: Digest): Map<Digest, number> {
    return reachOf(this.#open(), this.snapshot(id).tree);
  }

  /** Blobs as one file, for a tier. @throws {@link SnapshotError} `blob_missing` */
  bundle(digests: readonly Digest[]): Buffer {
    return bundleBlobs(this.#open(), digests);
  }

  /** Takes in a bundle of any origin; each blob is hashed. @throws {@link SnapshotError} `store_unusable`, `blob_corrupt` */
  async importBundle(bytes: Buffer, source: string): Promise<void> {
    return importBundle(this.#open(), bytes, source);
  }

  /** Takes in a record when everything it reaches is there. @throws {@link SnapshotError} `blob_missing`, `blob_corrupt` */
  async importSnapshot(id: Digest, text: string): Promise<Snapshot> {
    return importSnapshot(this.#open(), id, text);
  }

  /** The store as one owner may see it. */
  forOwner(owner: string): OwnerView {
    this.#open();
    return new OwnerView(this, owner);
  }

  /** Frees what no snapshot needs. Safe beside writers and readers of any process. */
  async collect(options: CollectOptions = {}): Promise<CollectReport> {
    return collect(this.#open(), options);
  }

  /** Reads and hashes everything. */
  async verify(): Promise<VerifyReport> {
    return verify(this.#open());
  }

  /** Ends threads and closes files; remembers scans for the next process. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#blobs.settle();
    this.#closed = true;
    this.#core.scans.save();
    await this.#core.executor.close();
    this.#core.segments.close();
    this.#core.lock.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): StoreCore {
    if (this.#closed) throw new SnapshotError('closed', 'This store was closed. Open it again with `openStore`.');
    return this.#core;
  }
}
