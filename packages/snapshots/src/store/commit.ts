import type { Digest } from '../digest.js';
import { fileSystemError } from '../errors.js';
import { findMissing } from './closure.js';
import type { StoreCore } from './core.js';
import { readGeneration } from './layout.js';
import type { SealedSegment } from './segment-writer.js';
import { encodeSnapshot, type Snapshot, writeSnapshotText } from './snapshot-record.js';

type Sealed = Omit<SealedSegment, 'index'> & { index: Uint8Array };

/**
 * Makes segments and the snapshot over them visible in one step of the lock. When a sweep went on since `generation`,
 * every blob is looked up first.
 *
 * @returns undefined when a blob is gone that was there at `generation`; nothing but the segments was kept then
 */
export async function commit(
  core: StoreCore,
  sealed: readonly Sealed[],
  generation: number,
  snapshot: Omit<Snapshot, 'id'>,
): Promise<Snapshot | undefined> {
  const { id, text } = encodeSnapshot(snapshot, core.randomName());
  return core.lock.hold(() => {
    for (const segment of sealed) publish(core, segment);
    if (readGeneration(core.layout) !== generation) {
      core.segments.refresh();
      if (findMissing(core.segments, snapshot.tree).length > 0) return undefined;
    }
    writeSnapshotText(core.layout, id, text);
    return { id, ...snapshot };
  });
}

/** Makes segments visible that no snapshot needs yet; the grace time of a sweep protects them. */
export async function commitBlobs(core: StoreCore, sealed: readonly Sealed[]): Promise<Digest[]> {
  return core.lock.hold(() => {
    for (const segment of sealed) publish(core, segment);
    return sealed.map((segment) => segment.name);
  });
}

function publish(core: StoreCore, segment: Sealed): void {
  try {
    core.segments.publish(segment);
  } catch (error) {
    throw fileSystemError(error, 'publishing a segment');
  }
}
