import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestBytesOf } from '../digest.js';
import { fileSystemError, SnapshotError } from '../errors.js';
import { commitBlobs } from './commit.js';
import type { StoreCore } from './core.js';
import { maximumBlobBytes } from './segment-format.js';
import { SegmentWriter } from './segment-writer.js';

interface Waiting {
  digest: Buffer;
  bytes: Uint8Array;
  resolve(digest: Digest): void;
  reject(error: unknown): void;
}

/** Writes blobs one by one; those that come while a segment is being written share the next one. */
export class BlobWriter {
  readonly #core: StoreCore;
  readonly #flights = new Map<string, Promise<Digest>>();
  #waiting: Waiting[] = [];
  #flush: Promise<void> | undefined;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  /** One flight per digest. @throws {@link SnapshotError} `invalid_option` when it is too large for one blob */
  put(bytes: Uint8Array): Promise<Digest> {
    if (bytes.length > maximumBlobBytes) {
      throw new SnapshotError(
        'invalid_option',
        `A blob of ${bytes.length} bytes is too large; the most is ${maximumBlobBytes}. Split it into chunks.`,
      );
    }
    const digest = digestBytesOf(bytes);
    const name = digest.toString('hex');
    const known = this.#flights.get(name);
    if (known) return known;
    if (this.#core.segments.findBytes(digest)) return Promise.resolve(name);
    const flight = new Promise<Digest>((resolve, reject) => this.#waiting.push({ digest, bytes, resolve, reject }));
    this.#flights.set(name, flight);
    void flight.then(
      () => this.#flights.delete(name),
      () => this.#flights.delete(name),
    );
    this.#flush ??= this.#write();
    return flight;
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    while (this.#flush) await this.#flush;
  }

  async #write(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#writeSegment(this.#waiting.splice(0));
    this.#flush = undefined;
  }

  async #writeSegment(batch: readonly Waiting[]): Promise<void> {
    const { layout, temporaryPrefix, randomName, flushToDisk } = this.#core;
    const path = join(layout.temporary, `${temporaryPrefix}${randomName()}.segment`);
    const writer = new SegmentWriter(path, { flushToDisk });
    try {
      for (const { digest, bytes } of batch) writer.append(digest, bytes);
      const sealed = writer.seal();
      if (sealed) await commitBlobs(this.#core, [sealed]);
      for (const { digest, resolve } of batch) resolve(digest.toString('hex'));
    } catch (error) {
      writer.discard();
      rmSync(path, { force: true });
      const known = fileSystemError(error, 'writing blobs');
      for (const { reject } of batch) reject(known);
    }
  }
}
