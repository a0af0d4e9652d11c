import type { Digest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { assertSafeName, displayPath, type EntryName } from '../paths.js';
import { encodeTree, type TreeEntry } from './tree.js';

type Leaf = Exclude<TreeEntry, { kind: 'directory' }>;
type WithoutName<Entry> = Entry extends unknown ? Omit<Entry, 'name'> : never;

interface Node {
  mode: number;
  children: Map<string, { name: EntryName; entry: { kind: 'node'; node: Node } | { kind: 'leaf'; leaf: Leaf } }>;
}

/** Builds a tree from paths in any order. */
export class TreeBuilder {
  readonly #root: Node = { mode: 0o755, children: new Map() };
  files = 0;
  bytes = 0;

  get mode(): number {
    return this.#root.mode;
  }

  addDirectory(names: readonly EntryName[], mode: number): void {
    this.#directory(names).mode = mode;
  }

  /** @throws {@link SnapshotError} `tree_invalid` when something else stands there */
  add(names: readonly EntryName[], leaf: WithoutName<Leaf>): void {
    const name = names.at(-1);
    if (name === undefined) throw invalid(names);
    assertSafeName(name);
    const parent = this.#directory(names.slice(0, -1));
    const key = keyOf(name);
    if (parent.children.has(key)) throw invalid(names);
    parent.children.set(key, { name, entry: { kind: 'leaf', leaf: { ...leaf, name } as Leaf } });
    if (leaf.kind === 'link') return;
    this.files += 1;
    this.bytes += leaf.size;
  }

  /** What was added as a file under this path. */
  find(names: readonly EntryName[]): Leaf | undefined {
    const found = this.#directory(names.slice(0, -1)).children.get(keyOf(names.at(-1)!));
    return found?.entry.kind === 'leaf' ? found.entry.leaf : undefined;
  }

  /** Stores every directory and returns the digest of the root. */
  store(keep: (bytes: Uint8Array) => Digest): Digest {
    const visit = (node: Node): Digest =>
      keep(
        encodeTree(
          [...node.children.values()].map(({ name, entry }): TreeEntry => {
            if (entry.kind === 'leaf') return entry.leaf;
            return { kind: 'directory', name, mode: entry.node.mode, digest: visit(entry.node) };
          }),
        ),
      );
    return visit(this.#root);
  }

  #directory(names: readonly EntryName[]): Node {
    let node = this.#root;
    for (const name of names) {
      assertSafeName(name);
      const key = keyOf(name);
      const known = node.children.get(key);
      if (known?.entry.kind === 'leaf') throw invalid(names);
      if (known?.entry.kind === 'node') {
        node = known.entry.node;
        continue;
      }
      const child: Node = { mode: 0o755, children: new Map() };
      node.children.set(key, { name, entry: { kind: 'node', node: child } });
      node = child;
    }
    return node;
  }
}

function keyOf(name: EntryName): string {
  return typeof name === 'string' ? name : `\0${name.toString('latin1')}`;
}

function invalid(names: readonly EntryName[]): SnapshotError {
  return new SnapshotError(
    'tree_invalid',
    `${JSON.stringify(names.map(displayPath).join('/'))} stands in the tree twice, as two kinds of thing. Capture again.`,
  );
}
