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
  readonly #buffer = Buffer.allocUnsafe(bufferBytes);
  #file: number | undefined;
  #used = 0;
  #offset = 0;
  #index = Buffer.allocUnsafe(1024 * indexEntryBytes);
  #count = 0;

  constructor(path: string, options: { flushToDisk: boolean }) {
    this.#path = path;
    this.#flushToDisk = options.flushToDisk;
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
    if (this.#file === undefined) this.#open();
    const offset = this.#offset;
    this.#write(bytes);
    this.#seen.add(key);
    this.#note(digest, offset, bytes.length);
  }

  /** Undefined when nothing was appended; the temporary file is gone then. */
  seal(): SealedSegment | undefined {
    if (this.#file === undefined) return undefined;
    const bytes = this.#offset - segmentHead.length;
    const index = sortIndex(this.#index.subarray(0, this.#count * indexEntryBytes));
    const { tail, name } = encodeTail(this.#offset, index);
    this.#write(index);
    this.#write(tail);
    this.#flush();
    if (this.#flushToDisk) fsyncSync(this.#file);
    closeSync(this.#file);
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

  #open(): void {
    this.#file = openSync(this.#path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
    this.#write(segmentHead);
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
    if (bytes.length > this.#buffer.length - this.#used) this.#flush();
    if (bytes.length > this.#buffer.length) {
      writeFully(this.#file!, bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #flush(): void {
    if (this.#used > 0) writeFully(this.#file!, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** A disk that fills writes less than it was given before it says so. */
export function writeFully(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written);
}
