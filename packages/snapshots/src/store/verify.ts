import type { Digest } from '../digest.js';
import { isSnapshotError } from '../errors.js';
import { findMissing } from './closure.js';
import { blobsOf } from './collect.js';
import type { StoreCore } from './core.js';
import { listSnapshotIds, readSnapshot } from './snapshot-record.js';

export interface VerifyReport {
  /** True when nothing is damaged and nothing is missing. */
  sound: boolean;
  segments: number;
  blobs: number;
  snapshots: number;
  /** Segments that cannot be opened. */
  damagedSegments: string[];
  /** Blobs whose bytes do not have their digest. */
  corruptBlobs: Digest[];
  /** Snapshots whose record is corrupt, or that miss blobs. */
  incompleteSnapshots: { id: Digest; missing: Digest[] }[];
}

/** Reads and hashes everything. */
export async function verify(core: StoreCore): Promise<VerifyReport> {
  core.segments.refresh();
  const report: VerifyReport = {
    sound: true,
    segments: core.segments.list().length,
    blobs: 0,
    snapshots: 0,
    damagedSegments: core.segments.damaged().map((damage) => damage.path),
    corruptBlobs: [],
    incompleteSnapshots: [],
  };
  for (const segment of core.segments.list()) {
    for (const { digest } of blobsOf(segment)) {
      const name = digest.toString('hex');
      report.blobs += 1;
      if (!isReadable(core, name)) report.corruptBlobs.push(name);
      if (report.blobs % 64 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  const corrupt = new Set(report.corruptBlobs);
  for (const id of listSnapshotIds(core.layout)) {
    report.snapshots += 1;
    const missing = missingOf(core, id);
    if (missing && missing.length === 0) continue;
    report.incompleteSnapshots.push({ id, missing: missing ?? [] });
  }
  report.sound = report.damagedSegments.length === 0 && corrupt.size === 0 && report.incompleteSnapshots.length === 0;
  return report;
}

function isReadable(core: StoreCore, digest: Digest): boolean {
  try {
    core.segments.read(digest);
    return true;
  } catch (error) {
    if (!isSnapshotError(error)) throw error;
    return false;
  }
}

/** Undefined when the record itself cannot be read. */
function missingOf(core: StoreCore, id: Digest): Digest[] | undefined {
  try {
    return findMissing(core.segments, readSnapshot(core.layout, id).tree);
  } catch (error) {
    if (!isSnapshotError(error)) throw error;
    return undefined;
  }
}
