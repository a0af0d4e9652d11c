import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../digest.js';
import { fileSystemError, isSnapshotError } from '../errors.js';
import { walkTree } from './closure.js';
import type { StoreCore } from './core.js';
import { raiseGeneration } from './layout.js';
import { decodeMark, lifeOf } from './process-mark.js';
import { indexEntryBytes } from './segment-format.js';
import { type SealedSegment, SegmentWriter } from './segment-writer.js';
import type { Segment } from './segments.js';
import { listSnapshotIds, readSnapshot } from './snapshot-record.js';

export interface CollectOptions {
  /** Blobs without a snapshot are kept this long, for writers that have not committed yet. @default 3_600_000 (1 h) */
  graceMs?: number;
  /** A segment is rewritten when this share of it is garbage. @default 0.25 */
  wasteShare?: number;
  signal?: AbortSignal;
}

export interface CollectReport {
  snapshots: number;
  liveBlobs: number;
  removedBlobs: number;
  removedBytes: number;
  removedSegments: number;
  rewrittenSegments: number;
  /** Left behind by processes that ended in mid-write. */
  removedTemporaryFiles: number;
  /** Snapshots that cannot be read whole; what they reach is kept as far as it is known. */
  damagedSnapshots: Digest[];
}

const smallSegmentBytes = 1024 * 1024;
const smallSegments = 16;

/**
 * Mark and sweep. Marking runs beside writers; only the last step holds the lock: snapshots that came meanwhile are
 * marked too, the swept segments go, and the generation rises, so that a writer that relied on one looks again.
 */
export async function collect(core: StoreCore, options: CollectOptions): Promise<CollectReport> {
  const graceMs = options.graceMs ?? 3_600_000;
  const wasteShare = options.wasteShare ?? 0.25;
  core.segments.refresh();
  const live = new LiveSet(core);
  for (const id of listSnapshotIds(core.layout)) {
    live.mark(id);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const nowMs = core.clock.nowMs();
  const survey = core.segments
    .list()
    .map((segment) => surveySegment(segment, live))
    .filter(({ segment }) => isSettled(segment, nowMs, graceMs));
  const small = survey.filter(({ liveBytes, deadBytes }) => liveBytes + deadBytes < smallSegmentBytes);
  const merge = small.length > smallSegments ? new Set(small) : new Set();
  const chosen = survey.filter(
    (entry) =>
      merge.has(entry) || (entry.deadBytes > 0 && entry.deadBytes >= wasteShare * (entry.deadBytes + entry.liveBytes)),
  );
  const rewritten = rewrite(core, chosen, live);
  const report = emptyReport();
  try {
    await core.lock.hold(() => {
      for (const id of listSnapshotIds(core.layout)) live.mark(id);
      const swept = chosen.filter(({ segment, deadCount }) => surveySegment(segment, live).deadCount === deadCount);
      if (swept.length === 0) return;
      if (rewritten && swept.length === chosen.length) core.segments.publish(rewritten);
      else if (rewritten) return;
      raiseGeneration(core.layout, `${core.temporaryPrefix}${core.randomName()}.generation`);
      for (const { segment, deadCount, deadBytes, liveCount } of swept) {
        if (segment.name === rewritten?.name) continue;
        rmSync(segment.path, { force: true });
        core.segments.forget(segment.name);
        report.removedBlobs += deadCount;
        report.removedBytes += deadBytes;
        if (liveCount > 0) report.rewrittenSegments += 1;
        else report.removedSegments += 1;
      }
    });
  } catch (error) {
    throw fileSystemError(error, 'collecting garbage');
  } finally {
    if (rewritten) rmSync(rewritten.temporaryPath, { force: true });
  }
  report.removedTemporaryFiles = sweepTemporary(core, graceMs);
  return { ...report, snapshots: live.snapshots, liveBlobs: live.size, damagedSnapshots: live.damaged };
}

function emptyReport() {
  return { removedBlobs: 0, removedBytes: 0, removedSegments: 0, rewrittenSegments: 0, removedTemporaryFiles: 0 };
}

/** Digests that a snapshot reaches. Marking a snapshot twice costs nothing. */
class LiveSet {
  readonly #core: StoreCore;
  readonly #digests = new Set<string>();
  readonly #marked = new Set<Digest>();
  readonly damaged: Digest[] = [];

  constructor(core: StoreCore) {
    this.#core = core;
  }

  get size(): number {
    return this.#digests.size;
  }

  get snapshots(): number {
    return this.#marked.size;
  }

  has(digest: Buffer): boolean {
    return this.#digests.has(digest.toString('latin1', 0, 32));
  }

  mark(id: Digest): void {
    if (this.#marked.has(id)) return;
    this.#marked.add(id);
    const { segments, layout } = this.#core;
    try {
      walkTree(
        (digest) => segments.read(digest),
        readSnapshot(layout, id).tree,
        (digest) => this.#add(digest),
      );
    } catch (error) {
      if (!isSnapshotError(error)) throw error;
      if (error.code !== 'snapshot_unknown') this.damaged.push(id);
    }
  }

  #add(digest: Digest): boolean {
    const before = this.#digests.size;
    this.#digests.add(Buffer.from(digest, 'hex').toString('latin1', 0, 32));
    return this.#digests.size > before;
  }
}

interface Survey {
  segment: Segment;
  liveCount: number;
  liveBytes: number;
  deadCount: number;
  deadBytes: number;
}

function surveySegment(segment: Segment, live: LiveSet): Survey {
  const survey = { segment, liveCount: 0, liveBytes: 0, deadCount: 0, deadBytes: 0 };
  for (const { digest, length } of blobsOf(segment)) {
    if (live.has(digest)) {
      survey.liveCount += 1;
      survey.liveBytes += length;
    } else {
      survey.deadCount += 1;
      survey.deadBytes += length;
    }
  }
  return survey;
}

/** The blobs that a segment holds. */
export function* blobsOf(segment: Segment): Generator<{ digest: Buffer; length: number }> {
  for (let at = 0; at < segment.index.length; at += indexEntryBytes) {
    yield { digest: segment.index.subarray(at, at + 32), length: segment.index.readUInt32BE(at + 38) };
  }
}

function rewrite(core: StoreCore, chosen: readonly Survey[], live: LiveSet): SealedSegment | undefined {
  const path = join(core.layout.temporary, `${core.temporaryPrefix}${core.randomName()}.segment`);
  const writer = new SegmentWriter(path, { flushToDisk: core.flushToDisk });
  try {
    for (const { segment } of chosen) {
      for (const { digest } of blobsOf(segment)) {
        if (live.has(digest)) writer.append(Buffer.from(digest), core.segments.read(digest.toString('hex')));
      }
    }
    return writer.seal();
  } catch (error) {
    writer.discard();
    throw fileSystemError(error, 'collecting garbage');
  }
}

function isSettled(segment: Segment, nowMs: number, graceMs: number): boolean {
  const stats = statSync(segment.path, { throwIfNoEntry: false });
  return stats !== undefined && nowMs - stats.mtimeMs >= graceMs;
}

/** Temporary files of dead processes go at once, those of unknown ones after the grace time. */
function sweepTemporary(core: StoreCore, graceMs: number): number {
  let removed = 0;
  for (const name of readdirSync(core.layout.temporary)) {
    if (name.startsWith(core.temporaryPrefix)) continue;
    const path = join(core.layout.temporary, name);
    const life = ownerLife(core, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (life === 'alive' || !stats) continue;
    if (life === 'unknown' && core.clock.nowMs() - stats.mtimeMs < graceMs) continue;
    rmSync(path, { force: true });
    removed += 1;
  }
  return removed;
}

/** The part of the name before the first dot is that of the process's mark. */
function ownerLife(core: StoreCore, name: string): 'alive' | 'dead' | 'unknown' {
  const path = join(core.layout.temporary, `${name.slice(0, name.indexOf('.'))}.mark`);
  try {
    const mark = decodeMark(readFileSync(path, 'utf8'));
    return mark ? lifeOf(mark) : 'unknown';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return 'unknown';
  }
}
