import type { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { isSnapshotError, SnapshotError, UnsafePathError } from '../errors.js';
import { assertSafeName, displayPath, type EntryName, entryNameOf } from '../paths.js';

/** How much an archive may hold. A bomb is small outside, so what counts is what comes out. */
export interface ArchiveLimits {
  /** Sum of all file sizes. @default 8_589_934_592 (8 GiB) */
  bytes?: number;
  /** Files, directories and links together. @default 1_000_000 */
  entries?: number;
}

export const defaultArchiveLimits: Required<ArchiveLimits> = { bytes: 8 * 1024 ** 3, entries: 1_000_000 };

export type ArchiveEntry = { names: EntryName[]; mode: number } & (
  | { kind: 'file'; size: number; content: AsyncIterable<Uint8Array> }
  | { kind: 'directory' }
  | { kind: 'link'; target: EntryName }
  /** The same file as an earlier entry. */
  | { kind: 'same'; as: EntryName[] }
);

/**
 * Reads a tar of any origin. Every name is checked before it is given out: none is absolute, climbs with "..", stands
 * there twice with another kind, or lies below something that is not a directory. The content of a file has to be read
 * before the next entry.
 *
 * @throws {@link SnapshotError} `archive_invalid`, `archive_too_large`
 * @throws {@link UnsafePathError}
 */
export async function* readArchive(source: Readable, limits: ArchiveLimits = {}): AsyncGenerator<ArchiveEntry> {
  const allowed = { ...defaultArchiveLimits, ...limits };
  // Names come as bytes, one character each, so that those that are not UTF-8 survive.
  const names = { highWaterMark: 64 * 1024, filenameEncoding: 'latin1' };
  const reader = extract(names);
  source.on('error', (error) => reader.destroy(error));
  source.pipe(reader);
  const shape = new ArchiveShape();
  let bytes = 0;
  let entries = 0;
  try {
    for await (const stream of reader) {
      const header = stream.header;
      entries += 1;
      bytes += header.size ?? 0;
      if (entries > allowed.entries) throw tooLarge(`more than ${allowed.entries} entries`);
      if (bytes > allowed.bytes) throw tooLarge(`more than ${allowed.bytes} bytes`);
      const entry = entryOf(header, stream as AsyncIterable<Uint8Array>);
      if (entry && (entry.names.length > 0 || entry.kind === 'directory')) {
        shape.admit(entry);
        yield entry;
      }
      stream.resume();
    }
  } catch (error) {
    if (isSnapshotError(error)) throw error;
    throw new SnapshotError(
      'archive_invalid',
      `The archive cannot be read: ${(error as Error).message}. It was cut or is no tar; build or download it again.`,
      { cause: error },
    );
  } finally {
    source.destroy();
    reader.destroy();
  }
}

function tooLarge(what: string): SnapshotError {
  return new SnapshotError(
    'archive_too_large',
    `The archive holds ${what}. Nothing more of it was read; raise the limits if you trust it.`,
  );
}

function entryOf(header: Header, content: AsyncIterable<Uint8Array>): ArchiveEntry | undefined {
  const extended = header.pax as { path?: string; linkpath?: string } | null;
  const names = namesOf(extended?.path ?? Buffer.from(header.name, 'latin1'));
  const mode = (header.mode ?? 0o644) & 0o7777;
  const linkName = extended?.linkpath ?? Buffer.from(header.linkname ?? '', 'latin1');
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return { kind: 'file', names, mode, size: header.size ?? 0, content };
    case 'directory':
      return { kind: 'directory', names, mode };
    case 'symlink': {
      const target = typeof linkName === 'string' ? linkName : entryNameOf(linkName);
      if (target.length === 0 || target.includes('\0'))
        throw new UnsafePathError(displayPath(target), 'a link needs a target');
      return { kind: 'link', names, mode, target };
    }
    case 'link':
      return { kind: 'same', names, mode, as: namesOf(linkName) };
    default:
      throw new SnapshotError(
        'archive_invalid',
        `The archive holds ${JSON.stringify(header.name)} of kind ${header.type}; only files, directories and links can be kept. Leave it out and pack again.`,
      );
  }
}

function namesOf(path: string | Buffer): EntryName[] {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path;
  const text = bytes.toString('latin1');
  if (text.startsWith('/')) throw new UnsafePathError(bytes.toString(), 'it is absolute');
  const names = text
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .map((name) => entryNameOf(Buffer.from(name, 'latin1')));
  for (const name of names) assertSafeName(name);
  return names;
}

/** Knows what each path of the archive is, so that nothing is ever put below a link or a file. */
class ArchiveShape {
  readonly #kinds = new Map<string, 'file' | 'directory' | 'link'>();

  admit(entry: ArchiveEntry): void {
    for (let depth = 1; depth < entry.names.length; depth += 1) {
      const parent = keyOf(entry.names.slice(0, depth));
      const kind = this.#kinds.get(parent);
      if (kind === 'file' || kind === 'link')
        throw new UnsafePathError(keyOf(entry.names), `${parent} is a ${kind}, not a directory`);
      this.#kinds.set(parent, 'directory');
    }
    const key = keyOf(entry.names);
    const before = this.#kinds.get(key);
    if (before && (before !== 'directory' || entry.kind !== 'directory')) {
      throw new UnsafePathError(key, 'it stands in the archive twice');
    }
    if (entry.kind === 'same' && this.#kinds.get(keyOf(entry.as)) !== 'file') {
      throw new UnsafePathError(keyOf(entry.as), 'it is linked to but is no file that came before');
    }
    this.#kinds.set(key, entry.kind === 'same' ? 'file' : entry.kind);
  }
}

/** One text for a path, also when its names are bytes. */
export function keyOf(names: readonly EntryName[]): string {
  return names.map((name) => Buffer.from(name as string).toString('latin1')).join('/');
}
