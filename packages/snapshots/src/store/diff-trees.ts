import type { Digest } from '../digest.js';
import type { EntryName } from '../paths.js';
import type { TreeEntry } from './tree.js';

/** What has to be done to a copy of one tree to make it the other. */
export interface TreeChanges {
  /** What goes first; a directory stands for everything below it. */
  removed: EntryName[][];
  /** What is written then: parents before what lies in them. */
  written: { names: EntryName[]; entry: TreeEntry }[];
}

/** Subtrees with the same digest are not entered. `from` undefined means nothing is there. */
export function diffTrees(read: (digest: Digest) => TreeEntry[], from: Digest | undefined, to: Digest): TreeChanges {
  const changes: TreeChanges = { removed: [], written: [] };
  visit(read, from === undefined ? [] : read(from), read(to), [], changes);
  return changes;
}

function visit(
  read: (digest: Digest) => TreeEntry[],
  before: readonly TreeEntry[],
  after: readonly TreeEntry[],
  parents: readonly EntryName[],
  changes: TreeChanges,
): void {
  const old = new Map(before.map((entry) => [keyOf(entry.name), entry]));
  for (const entry of after) {
    const names = [...parents, entry.name];
    const known = old.get(keyOf(entry.name));
    old.delete(keyOf(entry.name));
    if (known && JSON.stringify(known) === JSON.stringify(entry)) continue;
    if (entry.kind === 'directory') {
      if (known && known.kind !== 'directory') changes.removed.push(names);
      changes.written.push({ names, entry });
      const below = known?.kind === 'directory' ? read(known.digest) : [];
      visit(read, below, read(entry.digest), names, changes);
    } else {
      if (known) changes.removed.push(names);
      changes.written.push({ names, entry });
    }
  }
  for (const entry of old.values()) changes.removed.push([...parents, entry.name]);
}

function keyOf(name: EntryName): string {
  return typeof name === 'string' ? name : `\0${name.toString('latin1')}`;
}
