import { fileSystemError, IntegrityError } from '../errors.js';
import type { FileLane } from '../file-executor.js';
import type { StoreCore } from './core.js';
import type { WriteJob, WriteOutcome } from './file-jobs.js';

const batchFiles = 128;
const batchBytes = 4 * 1024 * 1024;
const waitingBatches = 16;

/** The writing half of one restore: files go to the lanes in batches. */
export class RestoreSession {
  readonly #id: string;
  readonly #lanes: { lane: FileLane; waiting: number }[];
  readonly #flights = new Set<Promise<void>>();
  readonly #missing: WriteJob[] = [];
  readonly #umask = process.umask();
  #batch: WriteJob[] = [];
  #batchBytes = 0;
  #ended = false;
  failure: unknown;

  constructor(core: StoreCore) {
    this.#id = core.randomName();
    this.#lanes = core.executor.lanes().map((lane) => ({ lane, waiting: 0 }));
  }

  /** Has the file written; waits while too many batches are under way. */
  async add(job: WriteJob): Promise<void> {
    this.#batch.push(job);
    this.#batchBytes += job.pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (this.#batch.length < batchFiles && this.#batchBytes < batchBytes) return;
    this.#send();
    if (this.#flights.size >= waitingBatches) await Promise.race(this.#flights);
  }

  /** Resolves when every file is written. Files whose segment went away are tried again after `repair`. */
  async settle(repair: (job: WriteJob) => WriteJob, breathe: () => Promise<void> | undefined): Promise<void> {
    this.#send();
    await Promise.all(this.#flights);
    await breathe();
    if (this.failure) throw this.failure;
    for (const job of this.#missing.splice(0)) {
      const [outcome] = await this.#write(this.#lanes[0]!.lane, [repair(job)]);
      assertWritten(outcome?.kind === 'missing' || !outcome ? vanished(job) : outcome);
    }
  }

  /** Closes what the lanes opened. Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await Promise.allSettled(this.#flights);
    for (const { lane } of this.#lanes) await lane.ask({ kind: 'endRestore', restore: this.#id });
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    const lane = this.#lanes.reduce((least, candidate) => (candidate.waiting < least.waiting ? candidate : least));
    lane.waiting += 1;
    const flight = this.#run(lane.lane, batch).catch((error: unknown) => {
      this.failure ??= error;
    });
    this.#flights.add(flight);
    void flight.then(() => {
      lane.waiting -= 1;
      this.#flights.delete(flight);
    });
  }

  async #run(lane: FileLane, batch: WriteJob[]): Promise<void> {
    if (this.failure) return;
    for (const [index, outcome] of (await this.#write(lane, batch)).entries()) {
      if (outcome.kind === 'missing') this.#missing.push(batch[index]!);
      else assertWritten(outcome);
    }
  }

  async #write(lane: FileLane, jobs: WriteJob[]): Promise<WriteOutcome[]> {
    const answer = await lane.ask({ kind: 'writeFiles', restore: this.#id, umask: this.#umask, jobs });
    return answer.kind === 'written' ? answer.outcomes : [];
  }
}

function vanished(job: WriteJob): WriteOutcome & { kind: 'failed' } {
  const segment = job.pieces[0]?.segment ?? '';
  return { kind: 'failed', code: 'ENOENT', message: `segment ${segment} went away twice; try again` };
}

/** @throws what a file's outcome means for the whole restore */
function assertWritten(outcome: Exclude<WriteOutcome, { kind: 'missing' }>): void {
  switch (outcome.kind) {
    case 'written':
      return;
    case 'corrupt':
      throw new IntegrityError(outcome.digest, outcome.segment, 'its bytes have another digest');
    case 'failed':
      throw fileSystemError(Object.assign(new Error(outcome.message), { code: outcome.code }), 'restoring a snapshot');
  }
}
