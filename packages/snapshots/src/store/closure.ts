import type { Digest } from '../digest.js';
import { isSnapshotError } from '../errors.js';
import type { SegmentSet } from './segments.js';
import { decodeChunks, decodeTree } from './tree.js';

/** Calls `visit` for every blob that a tree needs, itself included. Subtrees whose `visit` returns false are not entered. */
export function walkTree(
  read: (digest: Digest) => Uint8Array,
  tree: Digest,
  visit: (digest: Digest, kind: 'tree' | 'file' | 'chunks' | 'chunk') => boolean,
): void {
  const waiting = [tree];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!visit(next, 'tree')) continue;
    for (const entry of decodeTree(read(next))) {
      if (entry.kind === 'directory') waiting.push(entry.digest);
      else if (entry.kind === 'file') visit(entry.digest, 'file');
      else if (entry.kind === 'chunked' && visit(entry.digest, 'chunks')) {
        for (const chunk of decodeChunks(read(entry.digest), entry.size).chunks) visit(chunk.digest, 'chunk');
      }
    }
  }
}

/** Digests that a tree needs and the store does not have. Contents are not verified, except those of directories. */
export function findMissing(segments: SegmentSet, tree: Digest): Digest[] {
  const missing = new Set<Digest>();
  const seen = new Set<Digest>();
  const visit = (digest: Digest) => {
    if (seen.has(digest)) return false;
    seen.add(digest);
    if (segments.find(digest)) return true;
    missing.add(digest);
    return false;
  };
  try {
    walkTree((digest) => segments.read(digest), tree, visit);
  } catch (error) {
    if (!isSnapshotError(error)) throw error;
    missing.add(tree);
  }
  return [...missing];
}
