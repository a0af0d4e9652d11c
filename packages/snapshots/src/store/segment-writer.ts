import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { Digest } from '../digest.js';
import { encodeTail, indexEntryBytes, segmentHead, sortIndex, writeIndexEntry } from './segment-format.js';

/** A segment that is complete but not yet published under its name. */
export interface SealedSegment {
  temporaryPath: string;
  name: Digest;
  index: Buffer;
  /** Bytes of blobs in it. */
  bytes: number;
}

const bufferBytes = 1024 * 1024;

/** Writes one segment under a temporary name. Synchronous: it runs in a worker, or in slices. */
export class SegmentWriter {
  readonly #path: string;
  readonly #flushToDisk: boolean;
  readonly #seen = new Set<string>();
  readonly #buffer: Buffer;
  #file: number | undefined;
  #used = segmentHead.length;
  #offset = segmentHead.length;
  #index = Buffer.allocUnsafe(1024 * indexEntryBytes);
  #count = 0;

  /** @param options.reserveBytes the most that {@link reserve} is asked for */
  constructor(path: string, options: { flushToDisk: boolean; reserveBytes?: number }) {
    this.#path = path;
    this.#flushToDisk = options.flushToDisk;
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes + (options.reserveBytes ?? 0));
    segmentHead.copy(this.#buffer);
  }

  get path(): string {
    return this.#path;
  }

  has(digest: Buffer): boolean {
    return this.#seen.has(digest.toString('latin1', 0, 32));
  }

  /** Appends a blob unless this segment has it. The bytes may be reused by the caller afterwards. */
  append(digest: Buffer, bytes: Uint8Array): void {
    const key = digest.toString('latin1', 0, 32);
    if (this.#seen.has(key)) return;
    const offset = this.#offset;
    this.#write(bytes);
    this.#seen.add(key);
    this.#note(digest, offset, bytes.length);
  }

  /** Room for a blob that is read into place. Valid until the next call of this writer. */
  reserve(bytes: number): Buffer {
    if (bytes > this.#buffer.length - this.#used) this.#flush();
    return this.#buffer.subarray(this.#used, this.#used + bytes);
  }

  /** Appends what was read to the start of the room that was reserved last. Only for a blob that it does not have. */
  appendReserved(digest: Buffer, length: number): void {
    const offset = this.#offset;
    this.#offset += length;
    this.#used += length;
    this.#seen.add(digest.toString('latin1', 0, 32));
    this.#note(digest, offset, length);
  }

  /** Undefined when nothing was appended; there is no temporary file then. */
  seal(): SealedSegment | undefined {
    if (this.#count === 0) return undefined;
    const bytes = this.#offset - segmentHead.length;
    const index = sortIndex(this.#index.subarray(0, this.#count * indexEntryBytes));
    const { tail, name } = encodeTail(this.#offset, index);
    this.#write(index);
    this.#write(tail);
    const file = this.#flush();
    if (this.#flushToDisk) fsyncSync(file);
    closeSync(file);
    this.#file = undefined;
    return { temporaryPath: this.#path, name, index, bytes };
  }

  /** Removes what was written. Does nothing after {@link seal}. */
  discard(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    rmSync(this.#path, { force: true });
  }

  #note(digest: Buffer, offset: number, length: number): void {
    if ((this.#count + 1) * indexEntryBytes > this.#index.length) {
      const larger = Buffer.allocUnsafe(this.#index.length * 2);
      this.#index.copy(larger);
      this.#index = larger;
    }
    writeIndexEntry(this.#index, this.#count * indexEntryBytes, digest, { offset, length });
    this.#count += 1;
  }

  #write(bytes: Uint8Array): void {
    this.#offset += bytes.length;
    const fits = bytes.length <= this.#buffer.length - this.#used;
    const file = fits ? undefined : this.#flush();
    if (file !== undefined && bytes.length > this.#buffer.length) {
      writeFully(file, bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** The file is made when there is something to write. */
  #flush(): number {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
    this.#file ??= openSync(this.#path, flags, 0o600);
    writeFully(this.#file, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
    return this.#file;
  }
}

/** A disk that fills writes less than it was given before it says so. */
export function writeFully(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written);
}
