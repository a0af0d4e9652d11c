import type { Digest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import type { CaptureOptions, CaptureResult } from './capture.js';
import { walkTree } from './closure.js';
import type { RestoreOptions, RestoreResult } from './restore.js';
import type { Snapshot } from './snapshot-record.js';

/** What an owner's view needs of its store. */
export interface OwnedStore {
  snapshot(id: Digest): Snapshot;
  readBlob(digest: Digest): Buffer;
  capture(directory: string, options?: CaptureOptions): Promise<CaptureResult>;
  restore(id: Digest, target: string, options?: RestoreOptions): Promise<RestoreResult>;
  clone(id: Digest, owner: string): Promise<Snapshot>;
  drop(id: Digest): Promise<boolean>;
}

/**
 * The store as one owner may see it: its own snapshots, and the blobs that these reach. Whether a digest exists for
 * somebody else cannot be told: both cases answer `snapshot_denied`.
 */
export class OwnerView {
  readonly owner: string;
  readonly #store: OwnedStore;
  readonly #reach = new Map<Digest, Set<Digest>>();

  constructor(store: OwnedStore, owner: string) {
    this.#store = store;
    this.owner = owner;
  }

  /** @throws {@link SnapshotError} `snapshot_denied` */
  snapshot(id: Digest): Snapshot {
    let snapshot: Snapshot;
    try {
      snapshot = this.#store.snapshot(id);
    } catch (cause) {
      throw this.#denied(id, cause);
    }
    if (snapshot.owner !== this.owner) throw this.#denied(id);
    return snapshot;
  }

  /**
   * Reads a blob that `snapshotId` reaches.
   *
   * @throws {@link SnapshotError} `snapshot_denied` when the snapshot is not the owner's or does not reach the digest
   */
  readBlob(snapshotId: Digest, digest: Digest): Buffer {
    if (!this.#reachOf(this.snapshot(snapshotId)).has(digest)) throw this.#denied(digest);
    return this.#store.readBlob(digest);
  }

  /** As `Store.capture`; the snapshot is the owner's. @throws {@link SnapshotError} `snapshot_denied` for a foreign parent */
  async capture(directory: string, options: Omit<CaptureOptions, 'owner'> = {}): Promise<CaptureResult> {
    if (options.parent !== undefined) this.snapshot(options.parent);
    return this.#store.capture(directory, { ...options, owner: this.owner });
  }

  /** As `Store.restore`. @throws {@link SnapshotError} `snapshot_denied` */
  async restore(id: Digest, target: string, options?: RestoreOptions): Promise<RestoreResult> {
    return this.#store.restore(this.snapshot(id).id, target, options);
  }

  /** As `Store.clone`, for the owner itself. @throws {@link SnapshotError} `snapshot_denied` */
  async clone(id: Digest): Promise<Snapshot> {
    return this.#store.clone(this.snapshot(id).id, this.owner);
  }

  /** False when there was no such snapshot. @throws {@link SnapshotError} `snapshot_denied` when it is another owner's */
  async drop(id: Digest): Promise<boolean> {
    return this.#store.drop(this.snapshot(id).id);
  }

  #reachOf(snapshot: Snapshot): Set<Digest> {
    const known = this.#reach.get(snapshot.tree);
    if (known) return known;
    const reach = new Set<Digest>();
    walkTree(
      (digest) => this.#store.readBlob(digest),
      snapshot.tree,
      (digest) => {
        const before = reach.size;
        reach.add(digest);
        return reach.size > before;
      },
    );
    this.#reach.set(snapshot.tree, reach);
    return reach;
  }

  #denied(what: string, cause?: unknown): SnapshotError {
    return new SnapshotError(
      'snapshot_denied',
      `Owner ${JSON.stringify(this.owner)} was not granted ${what}. Clone a snapshot to this owner first.`,
      { cause },
    );
  }
}
