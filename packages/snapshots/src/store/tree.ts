import { type Digest, isDigest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { assertSafeName, compareNames, type EntryName } from '../paths.js';

/** A directory is a blob of its own, so an unchanged subtree is one comparison. */
export type TreeEntry =
  | { kind: 'file'; name: EntryName; mode: number; size: number; digest: Digest }
  /** A large file; `digest` is that of its list of chunks. */
  | { kind: 'chunked'; name: EntryName; mode: number; size: number; digest: Digest }
  | { kind: 'directory'; name: EntryName; mode: number; digest: Digest }
  | { kind: 'link'; name: EntryName; target: EntryName };

const letters = { file: 'f', chunked: 'c', directory: 'd', link: 'l' } as const;

type Text = string | { bytes: string };

function encodeName(name: EntryName): Text {
  return typeof name === 'string' ? name : { bytes: name.toString('base64') };
}

/** Canonical: the same entries give the same bytes. Times and owners are left out on purpose. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const sorted = [...entries].sort((first, second) => compareNames(first.name, second.name));
  return Buffer.from(JSON.stringify(sorted.map(encodeRow)));
}

function encodeRow(entry: TreeEntry): unknown[] {
  switch (entry.kind) {
    case 'file':
    case 'chunked':
      return [encodeName(entry.name), letters[entry.kind], entry.mode, entry.size, entry.digest];
    case 'directory':
      return [encodeName(entry.name), letters.directory, entry.mode, 0, entry.digest];
    case 'link':
      return [encodeName(entry.name), letters.link, 0, 0, encodeName(entry.target)];
  }
}

/**
 * Reads a tree object of any origin.
 *
 * @throws {@link SnapshotError} `tree_invalid` or `path_unsafe`
 */
export function decodeTree(bytes: Uint8Array): TreeEntry[] {
  let rows: unknown;
  try {
    rows = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
  if (!Array.isArray(rows)) throw invalid('it is not a list');
  const entries = rows.map(decodeRow);
  for (let index = 1; index < entries.length; index += 1) {
    if (compareNames(entries[index - 1]!.name, entries[index]!.name) >= 0) {
      throw invalid('its names are not in order, or one stands there twice');
    }
  }
  return entries;
}

function decodeRow(row: unknown): TreeEntry {
  if (!Array.isArray(row) || row.length !== 5) throw invalid('an entry does not have five fields');
  const [rawName, letter, mode, size, payload] = row as unknown[];
  const name = decodeName(rawName);
  assertSafeName(name);
  if (!isCount(mode) || mode > 0o7777) throw invalid('a mode is out of range');
  if (!isCount(size)) throw invalid('a size is out of range');
  if (letter === letters.link) return { kind: 'link', name, target: decodeTarget(payload) };
  if (!isDigest(payload)) throw invalid('a digest is malformed');
  switch (letter) {
    case letters.file:
      return { kind: 'file', name, mode, size, digest: payload };
    case letters.chunked:
      return { kind: 'chunked', name, mode, size, digest: payload };
    case letters.directory:
      return { kind: 'directory', name, mode, digest: payload };
    default:
      throw invalid('an entry has an unknown kind');
  }
}

function decodeName(value: unknown): EntryName {
  if (typeof value === 'string') return value;
  const bytes = (value as { bytes?: unknown } | null)?.bytes;
  if (typeof bytes !== 'string') throw invalid('a name is neither text nor bytes');
  return Buffer.from(bytes, 'base64');
}

function decodeTarget(value: unknown): EntryName {
  const target = decodeName(value);
  if (target.length === 0 || target.length > 4096) throw invalid('the target of a link is empty or too long');
  if (target.includes('\0')) throw invalid('the target of a link holds a NUL byte');
  return target;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(reason: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    'tree_invalid',
    `A tree object cannot be read: ${reason}. It was not written by this format; capture the snapshot again.`,
    { cause },
  );
}

/** The list of a large file's chunks, in order. */
export interface ChunkList {
  chunks: { digest: Digest; size: number }[];
}

export function encodeChunks(list: ChunkList): Buffer {
  return Buffer.from(JSON.stringify(list.chunks.map((chunk) => [chunk.digest, chunk.size])));
}

/** @throws {@link SnapshotError} `tree_invalid`, also when the sizes do not add up to `size` */
export function decodeChunks(bytes: Uint8Array, size: number): ChunkList {
  let rows: unknown;
  try {
    rows = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid('a chunk list is not JSON', cause);
  }
  if (!Array.isArray(rows)) throw invalid('a chunk list is not a list');
  let total = 0;
  const chunks = rows.map((row: unknown) => {
    const [digest, length] = Array.isArray(row) ? (row as unknown[]) : [];
    if (!isDigest(digest) || !isCount(length)) throw invalid('a chunk is malformed');
    total += length;
    return { digest, size: length };
  });
  if (total !== size) throw invalid(`its chunks have ${total} bytes where ${size} were promised`);
  return { chunks };
}
