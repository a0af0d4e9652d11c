import type { Digest } from '../digest.js';
import type { ScannedDirectory } from './scan.js';
import { encodeTree, type TreeEntry } from './tree.js';

/** Makes the tree objects that are missing, children first, and returns the digest of the root. */
export function storeTrees(directory: ScannedDirectory, store: (bytes: Uint8Array) => Digest): Digest {
  if (directory.tree !== undefined) return directory.tree;
  const entries: TreeEntry[] = [];
  for (const entry of directory.entries) {
    switch (entry.kind) {
      case 'directory':
        entries.push({ kind: 'directory', name: entry.name, mode: entry.mode, digest: storeTrees(entry, store) });
        break;
      case 'file':
        if (entry.stored) entries.push({ name: entry.name, mode: entry.mode, ...entry.stored });
        break;
      case 'link':
        entries.push(entry);
        break;
    }
  }
  directory.tree = store(encodeTree(entries));
  return directory.tree;
}

/** Files and bytes of a scanned tree. */
export function measureTree(directory: ScannedDirectory): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const entry of directory.entries) {
    if (entry.kind === 'file' && entry.stored) {
      files += 1;
      bytes += entry.stored.size;
    } else if (entry.kind === 'directory') {
      const below = measureTree(entry);
      files += below.files;
      bytes += below.bytes;
    }
  }
  return { files, bytes };
}
