import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestBytesOf } from '../digest.js';
import { fileSystemError, IntegrityError } from '../errors.js';
import { findMissing, walkTree } from './closure.js';
import { commitBlobs } from './commit.js';
import type { StoreCore } from './core.js';
import {
  damaged,
  decodeTail,
  encodeTail,
  indexEntryBytes,
  locationAt,
  segmentHead,
  sortIndex,
  tailBytes,
  writeIndexEntry,
} from './segment-format.js';
import { missingBlob } from './segments.js';
import { decodeSnapshot, type Snapshot, writeSnapshotText } from './snapshot-record.js';

/** Every blob that a tree needs, each once, in the order of a walk. */
export function reachOf(core: StoreCore, tree: Digest): Map<Digest, number> {
  const reach = new Map<Digest, number>();
  walkTree(
    (digest) => core.segments.read(digest),
    tree,
    (digest) => {
      if (reach.has(digest)) return false;
      const found = core.segments.find(digest);
      if (!found) throw missingBlob(digest);
      reach.set(digest, found.length);
      return true;
    },
  );
  return reach;
}

/** Some blobs as one file of the segment format, so that many small ones travel together. */
export function bundleBlobs(core: StoreCore, digests: readonly Digest[]): Buffer {
  const parts: Buffer[] = [segmentHead];
  const index = Buffer.alloc(digests.length * indexEntryBytes);
  let offset = segmentHead.length;
  for (const [position, digest] of digests.entries()) {
    const bytes = core.segments.read(digest);
    const location = { offset, length: bytes.length };
    writeIndexEntry(index, position * indexEntryBytes, Buffer.from(digest, 'hex'), location);
    parts.push(bytes);
    offset += bytes.length;
  }
  const sorted = sortIndex(index);
  return Buffer.concat([...parts, sorted, encodeTail(offset, sorted).tail]);
}

/**
 * Takes a bundle of any origin into the store. Every blob in it is hashed first.
 *
 * @throws SnapshotError `store_unusable` when it is no bundle, {@link IntegrityError} when a blob is not what it claims
 */
export async function importBundle(core: StoreCore, bytes: Buffer, source: string): Promise<void> {
  const end = bytes.length - tailBytes;
  if (end < segmentHead.length || !bytes.subarray(0, segmentHead.length).equals(segmentHead)) {
    throw damaged('a bundle has a wrong head');
  }
  const { indexOffset, indexBytes, indexDigest } = decodeTail(bytes.subarray(end), bytes.length);
  const index = bytes.subarray(indexOffset, indexOffset + indexBytes);
  if (digestBytesOf(index).toString('hex') !== indexDigest) throw damaged('the index of a bundle has another digest');
  let blobBytes = 0;
  for (let at = 0; at < index.length; at += indexEntryBytes) {
    const digest = index.toString('hex', at, at + 32);
    const { offset, length } = locationAt(index, at);
    const blob = bytes.subarray(offset, offset + length);
    if (offset + length > indexOffset || digestBytesOf(blob).toString('hex') !== digest) {
      throw new IntegrityError(digest, source, 'its bytes in a bundle have another digest');
    }
    blobBytes += length;
  }
  const temporaryPath = join(core.layout.temporary, `${core.temporaryPrefix}${core.randomName()}.segment`);
  try {
    writeFileSync(temporaryPath, bytes, { mode: 0o600, flush: core.flushToDisk });
    await commitBlobs(core, [{ temporaryPath, name: indexDigest, index, bytes: blobBytes }]);
  } catch (error) {
    rmSync(temporaryPath, { force: true });
    throw fileSystemError(error, 'importing a bundle');
  }
}

/**
 * Takes a snapshot's record into the store when all that it reaches is there.
 *
 * @throws SnapshotError `blob_corrupt` when the record is not the one that the id promises, `blob_missing`
 */
export async function importSnapshot(core: StoreCore, id: Digest, text: string): Promise<Snapshot> {
  const snapshot = decodeSnapshot(id, text);
  return core.lock.hold(() => {
    core.segments.refresh();
    const [missing] = findMissing(core.segments, snapshot.tree);
    if (missing !== undefined) throw missingBlob(missing);
    writeSnapshotText(core.layout, id, text);
    return snapshot;
  });
}
