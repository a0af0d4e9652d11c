import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Header, type Pack, pack } from 'tar-stream';
import { SnapshotError } from '../errors.js';
import { Scrubber, type ScrubReport, type ScrubRules } from '../scrub/scrubber.js';

/** One entry as it goes into a tar. */
export type EntryToWrite =
  | { kind: 'directory'; path: string; mode: number }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'file'; path: string; mode: number; size: number; content: () => Uint8Array | Readable };

/** Times and owners are always the same, so that the same entries give the same bytes. */
const still = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' };

/** A tar of entries, made as it is read. */
export function writeArchive(entries: Iterable<EntryToWrite> | AsyncIterable<EntryToWrite>): Readable {
  const archive = pack();
  void fill(archive, entries).catch((error: Error) => archive.destroy(error));
  return Readable.from(archive);
}

async function fill(archive: Pack, entries: Iterable<EntryToWrite> | AsyncIterable<EntryToWrite>): Promise<void> {
  for await (const entry of entries) await writeEntry(archive, entry);
  archive.finalize();
}

async function writeEntry(archive: Pack, entry: EntryToWrite): Promise<void> {
  switch (entry.kind) {
    case 'directory':
      return add(archive, { ...still, type: 'directory', name: `${entry.path}/`, mode: entry.mode });
    case 'link':
      return add(archive, { ...still, type: 'symlink', name: entry.path, linkname: entry.target, mode: 0o777 });
    case 'file': {
      const header: Partial<Header> & { name: string } = {
        ...still,
        type: 'file',
        name: entry.path,
        mode: entry.mode,
        size: entry.size,
      };
      const content = entry.content();
      if (content instanceof Readable) return pipeline(content, archive.entry(header));
      return add(archive, header, content);
    }
  }
}

function add(archive: Pack, header: Partial<Header> & { name: string }, content?: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content === undefined) archive.entry(header, done);
    else archive.entry(header, Buffer.from(content.buffer, content.byteOffset, content.byteLength), done);
  });
}

const streamedBytes = 1024 * 1024;

/**
 * The entries of a directory in a fixed order, below `prefix`, without what the scrubbing rules name.
 *
 * @throws {@link SnapshotError} `source_unreadable`
 */
export async function* directoryEntries(
  root: string,
  prefix: string,
  scrub: ScrubRules | false | undefined,
  report: ScrubReport[],
): AsyncGenerator<EntryToWrite> {
  const scrubber = new Scrubber(scrub);
  const parents = prefix.split('/').filter((name) => name !== '');
  for (let depth = 1; depth < parents.length; depth += 1) {
    yield { kind: 'directory', path: parents.slice(0, depth).join('/'), mode: 0o755 };
  }
  yield* visit(root, parents.join('/'), '', scrubber);
  report.push(...scrubber.report());
}

async function* visit(path: string, name: string, relative: string, scrubber: Scrubber): AsyncGenerator<EntryToWrite> {
  const stats = statOf(path);
  const mode = stats.mode & 0o777;
  if (stats.isDirectory()) {
    if (relative !== '' && !scrubber.keep(relative, 'directory')) return;
    if (name !== '') yield { kind: 'directory', path: name, mode };
    for (const child of readdirSync(path).sort()) {
      yield* visit(join(path, child), join(name, child), relative === '' ? child : `${relative}/${child}`, scrubber);
    }
  } else if (stats.isSymbolicLink()) {
    if (scrubber.keep(relative, 'link')) yield { kind: 'link', path: name, target: readlinkSync(path) };
  } else if (stats.isFile() && scrubber.keep(relative, 'file')) {
    if (stats.size > streamedBytes && !scrubber.redacts(relative)) {
      yield {
        kind: 'file',
        path: name,
        mode,
        size: stats.size,
        content: () => createReadStream(path, { end: stats.size - 1 }),
      };
      return;
    }
    const content = scrubber.redacts(relative) ? scrubber.redact(relative, readFileSync(path)) : readFileSync(path);
    yield { kind: 'file', path: name, mode, size: content.length, content: () => content };
  }
}

function statOf(path: string) {
  try {
    return lstatSync(path);
  } catch (cause) {
    throw new SnapshotError('source_unreadable', `${path} cannot be read. Check the path and its permissions.`, {
      cause,
    });
  }
}
