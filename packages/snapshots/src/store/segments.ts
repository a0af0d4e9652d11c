import { closeSync, fstatSync, openSync, readdirSync, readSync, renameSync } from 'node:fs';
import { type Digest, digestBytesOf, digestOf, isDigest } from '../digest.js';
import { IntegrityError, SnapshotError } from '../errors.js';
import { type StoreLayout, segmentPath } from './layout.js';
import { type BlobLocation, damaged, decodeTail, findInIndex, locationAt, tailBytes } from './segment-format.js';
import type { SealedSegment } from './segment-writer.js';

export interface Segment {
  name: Digest;
  path: string;
  /** Backed by shared memory, so that threads look things up without a copy. */
  index: Buffer;
}

export interface FoundBlob extends BlobLocation {
  segment: Segment;
}

/** A segment that could not be read, and why. */
export interface DamagedSegment {
  path: string;
  error: unknown;
}

const maximumOpenFiles = 64;

/** The segments of a store as this process knows them. */
export class SegmentSet {
  readonly #layout: StoreLayout;
  readonly #segments = new Map<Digest, Segment>();
  readonly #open = new Map<Digest, number>();
  readonly #damaged = new Map<Digest, DamagedSegment>();

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  list(): readonly Segment[] {
    return [...this.#segments.values()];
  }

  names(): Digest[] {
    return [...this.#segments.keys()];
  }

  /** Segments that are there but unusable; what they held counts as missing. */
  damaged(): readonly DamagedSegment[] {
    return [...this.#damaged.values()];
  }

  /** Learns what other processes published and forgets what was swept. */
  refresh(): void {
    const present = new Set<Digest>();
    for (const file of readdirSync(this.#layout.segments)) {
      const name = file.replace(/\.seg$/, '');
      if (!isDigest(name)) continue;
      present.add(name);
      if (!this.#segments.has(name)) this.#load(name);
    }
    for (const name of [...this.#segments.keys(), ...this.#damaged.keys()]) if (!present.has(name)) this.forget(name);
  }

  /** Publishes a sealed segment by renaming it to its name. Only while the commit lock is held. */
  publish(sealed: Omit<SealedSegment, 'index'> & { index: Uint8Array }): void {
    const path = segmentPath(this.#layout, sealed.name);
    renameSync(sealed.temporaryPath, path);
    this.#segments.set(sealed.name, { name: sealed.name, path, index: share(sealed.index) });
  }

  forget(name: Digest): void {
    const file = this.#open.get(name);
    if (file !== undefined) closeSync(file);
    this.#open.delete(name);
    this.#segments.delete(name);
    this.#damaged.delete(name);
  }

  find(digest: Digest): FoundBlob | undefined {
    return this.findBytes(Buffer.from(digest, 'hex'));
  }

  findBytes(digest: Buffer): FoundBlob | undefined {
    for (const segment of this.#segments.values()) {
      const at = findInIndex(segment.index, digest);
      if (at >= 0) return { segment, ...locationAt(segment.index, at) };
    }
    return undefined;
  }

  /**
   * Reads and verifies a blob. A segment that a sweep has replaced is looked for anew.
   *
   * @throws {@link SnapshotError} `blob_missing`, {@link IntegrityError} `blob_corrupt`
   */
  read(digest: Digest): Buffer {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const found = this.find(digest);
      const bytes = found ? this.#readAt(found) : undefined;
      if (found && bytes) {
        if (digestOf(bytes) !== digest) {
          throw new IntegrityError(digest, found.segment.path, `its ${found.length} bytes have another digest`);
        }
        return bytes;
      }
      this.refresh();
    }
    throw missingBlob(digest);
  }

  close(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
    this.#segments.clear();
  }

  #readAt({ segment, offset, length }: FoundBlob): Buffer | undefined {
    let file = this.#open.get(segment.name);
    if (file === undefined) {
      try {
        file = openSync(segment.path, 'r');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        this.forget(segment.name);
        return undefined;
      }
      this.#open.set(segment.name, file);
      this.#closeOldest();
    }
    const bytes = Buffer.allocUnsafe(length);
    const count = readSync(file, bytes, 0, length, offset);
    return bytes.subarray(0, count);
  }

  #closeOldest(): void {
    const [oldest] = this.#open;
    if (this.#open.size <= maximumOpenFiles || !oldest) return;
    closeSync(oldest[1]);
    this.#open.delete(oldest[0]);
  }

  #load(name: Digest): void {
    const path = segmentPath(this.#layout, name);
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      const fileBytes = fstatSync(file).size;
      const tail = Buffer.alloc(tailBytes);
      if (fileBytes < tailBytes) throw damaged('its end is missing');
      readSync(file, tail, 0, tailBytes, fileBytes - tailBytes);
      const { indexOffset, indexBytes, indexDigest } = decodeTail(tail, fileBytes);
      const index = Buffer.from(new SharedArrayBuffer(indexBytes));
      readSync(file, index, 0, indexBytes, indexOffset);
      if (indexDigest !== name || digestBytesOf(Buffer.from(index)).toString('hex') !== name) {
        throw damaged('its index is not the one that its name promises');
      }
      this.#segments.set(name, { name, path, index });
      this.#damaged.delete(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#damaged.set(name, { path, error });
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}

function share(index: Uint8Array): Buffer {
  const shared = Buffer.from(new SharedArrayBuffer(index.length));
  shared.set(index);
  return shared;
}

export function missingBlob(digest: Digest): SnapshotError {
  return new SnapshotError(
    'blob_missing',
    `Blob ${digest} is not in this store. Pull the snapshot from a tier, or capture it again.`,
  );
}
