import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../digest.js';
import type { FileLane } from '../file-executor.js';
import type { FilePath } from '../paths.js';
import type { StoreCore } from './core.js';
import { type StoredFile, storeBlob } from './file-jobs.js';
import type { FileAnswer } from './file-session.js';
import type { ScannedFile } from './scan.js';
import { SegmentWriter } from './segment-writer.js';

const batchFiles = 128;
const batchBytes = 4 * 1024 * 1024;

type Sealed = NonNullable<Extract<FileAnswer, { kind: 'sealed' }>['segment']>;

/** The writing half of one capture: files go to the lanes in batches, blobs made here go to a segment of their own. */
export class CaptureSession {
  readonly #core: StoreCore;
  readonly #id: string;
  readonly #indexes: Buffer[];
  readonly #writer: SegmentWriter;
  readonly #lanes: { lane: FileLane; opened: boolean; waitingBytes: number }[];
  readonly #flights: Promise<void>[] = [];
  #batch: { path: FilePath; file: ScannedFile }[] = [];
  #batchBytes = 0;
  #failure: unknown;
  readonly #sealed: string[] = [];
  readonly written = { blobs: 0, bytes: 0 };
  readonly unreadable: { path: FilePath; reason: string }[] = [];

  constructor(core: StoreCore) {
    this.#core = core;
    this.#id = core.randomName();
    this.#indexes = core.segments.list().map((segment) => segment.index);
    this.#writer = new SegmentWriter(this.#temporary('own'), { flushToDisk: core.flushToDisk });
    this.#lanes = core.executor.lanes().map((lane) => ({ lane, opened: false, waitingBytes: 0 }));
  }

  /** Has the file read and stored; its `stored` is set when {@link settle} has resolved. */
  addFile(path: FilePath, file: ScannedFile): void {
    this.#batch.push({ path, file });
    this.#batchBytes += file.mark.size;
    if (this.#batch.length >= batchFiles || this.#batchBytes >= batchBytes) this.#send();
  }

  /** Stores bytes that are at hand. */
  addBlob(bytes: Uint8Array): Digest {
    const stored = storeBlob(bytes, { writer: this.#writer, indexes: this.#indexes });
    this.written.blobs += stored.writtenBlobs;
    this.written.bytes += stored.writtenBytes;
    return stored.digest.toString('hex');
  }

  /** Resolves when every file was read. */
  async settle(): Promise<void> {
    this.#send();
    await Promise.all(this.#flights);
    if (this.#failure) throw this.#failure;
  }

  /** Completes the segments; they are not published yet. */
  async seal(): Promise<Sealed[]> {
    const opened = this.#lanes.filter((lane) => lane.opened);
    const sealing = opened.map(async ({ lane }) => {
      const answer = await lane.ask({ kind: 'sealCapture', capture: this.#id });
      const segment = answer.kind === 'sealed' ? answer.segment : undefined;
      if (segment) this.#sealed.push(segment.temporaryPath);
      return segment;
    });
    // All of them end before one failure is told: what was sealed by then is known to `discard`.
    const settled = await Promise.allSettled(sealing);
    const own = this.#writer.seal();
    if (own) this.#sealed.push(own.temporaryPath);
    const failed = settled.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    return [own, ...(await Promise.all(sealing))].filter((segment) => segment !== undefined);
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await Promise.allSettled(this.#flights);
    this.#writer.discard();
    for (const path of this.#sealed) rmSync(path, { force: true });
    for (const { lane, opened } of this.#lanes) {
      if (opened) await lane.ask({ kind: 'discardCapture', capture: this.#id }).catch(() => undefined);
    }
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const bytes = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    const lane = this.#lanes.reduce((least, candidate) =>
      candidate.waitingBytes < least.waitingBytes ? candidate : least,
    );
    const weight = bytes + batch.length * 4096;
    lane.waitingBytes += weight;
    const flight = this.#store(lane, batch).catch((error: unknown) => this.#fail(error));
    this.#flights.push(
      flight.then(() => {
        lane.waitingBytes -= weight;
      }),
    );
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  async #store(
    lane: { lane: FileLane; opened: boolean; waitingBytes: number },
    batch: readonly { path: FilePath; file: ScannedFile }[],
  ): Promise<void> {
    if (!lane.opened) {
      lane.opened = true;
      const opening = lane.lane.ask({
        kind: 'openCapture',
        capture: this.#id,
        temporaryPath: this.#temporary(`lane${this.#lanes.indexOf(lane)}`),
        indexes: this.#indexes,
        chunkBytes: this.#core.chunkBytes,
        flushToDisk: this.#core.flushToDisk,
      });
      this.#flights.push(
        opening.then(
          () => undefined,
          (error: unknown) => this.#fail(error),
        ),
      );
    }
    const jobs = batch.map(({ path, file }) => ({ path, size: file.mark.size }));
    const answer = await lane.lane.ask({ kind: 'storeFiles', capture: this.#id, jobs });
    if (answer.kind === 'stored') for (const [index, file] of answer.files.entries()) this.#note(batch[index]!, file);
  }

  #note({ path, file }: { path: FilePath; file: ScannedFile }, stored: StoredFile): void {
    if (stored.kind === 'unreadable') {
      this.unreadable.push({ path, reason: stored.reason });
      return;
    }
    file.stored = { kind: stored.kind, digest: stored.digest, size: stored.size };
    this.written.blobs += stored.writtenBlobs;
    this.written.bytes += stored.writtenBytes;
  }

  #temporary(part: string): string {
    return join(this.#core.layout.temporary, `${this.#core.temporaryPrefix}${this.#id}-${part}.segment`);
  }
}
