import { closeSync } from 'node:fs';
import {
  type StoreContext,
  type StoredFile,
  type StoreJob,
  storeFile,
  type WriteJob,
  type WriteOutcome,
  writeFile,
} from './file-jobs.js';
import { type SealedSegment, SegmentWriter } from './segment-writer.js';

/** What can be asked of a thread. One `capture` or `restore` id is opened, used and ended by the same thread. */
export type FileRequest =
  | {
      kind: 'openCapture';
      capture: string;
      temporaryPath: string;
      indexes: Uint8Array[];
      chunkBytes: number;
      flushToDisk: boolean;
    }
  | { kind: 'storeFiles'; capture: string; jobs: StoreJob[] }
  | { kind: 'sealCapture'; capture: string }
  | { kind: 'discardCapture'; capture: string }
  | { kind: 'writeFiles'; restore: string; umask: number; jobs: WriteJob[] }
  | { kind: 'endRestore'; restore: string };

export type FileAnswer =
  | { kind: 'done' }
  | { kind: 'stored'; files: StoredFile[] }
  | { kind: 'sealed'; segment: (Omit<SealedSegment, 'index'> & { index: Uint8Array }) | undefined }
  | { kind: 'written'; outcomes: WriteOutcome[] };

/** Holds a chunk of the default size; a larger one is read into a buffer of its own. */
const writeBufferBytes = 1024 * 1024;

/** Carries out {@link FileRequest}s; the same code runs in a thread and, where there is none, in the host. */
export class FileSession {
  readonly #captures = new Map<string, StoreContext>();
  readonly #restores = new Map<string, Map<string, number>>();
  #buffer: Buffer | undefined;

  handle(request: FileRequest): FileAnswer {
    switch (request.kind) {
      case 'openCapture':
        this.#captures.set(request.capture, {
          writer: new SegmentWriter(request.temporaryPath, {
            flushToDisk: request.flushToDisk,
            reserveBytes: request.chunkBytes + 1,
          }),
          indexes: request.indexes.map((index) => Buffer.from(index.buffer, index.byteOffset, index.byteLength)),
          chunkBytes: request.chunkBytes,
        });
        return { kind: 'done' };
      case 'storeFiles': {
        const context = this.#captures.get(request.capture)!;
        return { kind: 'stored', files: request.jobs.map((job) => storeFile(job, context)) };
      }
      case 'sealCapture': {
        const segment = this.#captures.get(request.capture)?.writer.seal();
        this.#captures.delete(request.capture);
        return { kind: 'sealed', segment };
      }
      case 'discardCapture':
        this.#captures.get(request.capture)?.writer.discard();
        this.#captures.delete(request.capture);
        return { kind: 'done' };
      case 'writeFiles':
        return { kind: 'written', outcomes: this.#write(request) };
      case 'endRestore':
        for (const file of this.#restores.get(request.restore)?.values() ?? []) closeSync(file);
        this.#restores.delete(request.restore);
        return { kind: 'done' };
    }
  }

  #write(request: Extract<FileRequest, { kind: 'writeFiles' }>): WriteOutcome[] {
    const segments = this.#restores.get(request.restore) ?? new Map<string, number>();
    this.#restores.set(request.restore, segments);
    this.#buffer ??= Buffer.allocUnsafeSlow(writeBufferBytes);
    const context = { segments, umask: request.umask, buffer: this.#buffer };
    const outcomes: WriteOutcome[] = [];
    for (const job of request.jobs) {
      const outcome = writeFile(job, context);
      outcomes.push(outcome);
      if (outcome.kind === 'failed' || outcome.kind === 'corrupt') break;
    }
    return outcomes;
  }
}
