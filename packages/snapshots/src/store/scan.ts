import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import type { Digest } from '../digest.js';
import { displayPath, type EntryName, entryNameOf, type FilePath, joinPath } from '../paths.js';

/** What a scan remembers of a file, to know without reading that it is the same. */
export interface FileMark {
  size: number;
  inode: number;
  modifiedMs: number;
  changedMs: number;
}

export interface ScannedFile {
  kind: 'file';
  name: EntryName;
  mode: number;
  mark: FileMark;
  /** What it holds, when that is known from an earlier scan or was stored by this one. */
  stored: { kind: 'file' | 'chunked'; digest: Digest; size: number } | undefined;
  /** Changed so shortly before the scan that a later change could leave the same marks. */
  racy: boolean;
}

export interface ScannedDirectory {
  kind: 'directory';
  name: EntryName;
  mode: number;
  entries: ScannedEntry[];
  /** Digest of the tree object; undefined while it has to be made. */
  tree: Digest | undefined;
}

export type ScannedEntry = ScannedFile | ScannedDirectory | { kind: 'link'; name: EntryName; target: EntryName };

/** Something that was left out, and why. */
export interface SkippedEntry {
  path: string;
  reason: 'special' | 'vanished' | 'unreadable';
}

export interface ScanContext {
  /** Newest change time that counts as settled. */
  settledMs: number;
  skipped: SkippedEntry[];
  /** False for a path that is left out by the scrubbing rules. */
  keep(path: FilePath, kind: ScannedEntry['kind']): boolean;
  /** Called for each file whose content has to be read. */
  onFile(path: FilePath, relative: FilePath, file: ScannedFile): void;
  /** Called between directories; returns when the scan may go on. */
  breathe(): Promise<void> | undefined;
}

/** File systems stamp times with the kernel's tick; changes within one tick look the same. */
export const timestampGranularityMs = 20;

/**
 * Reads the names and marks of a directory and all below it. Links are never followed.
 *
 * `previous` is what an earlier scan found in the same place, under the same scrubbing rules; what did not change since is
 * taken from it.
 */
export async function scanDirectory(
  path: FilePath,
  relative: FilePath,
  name: EntryName,
  mode: number,
  previous: ScannedDirectory | undefined,
  context: ScanContext,
): Promise<ScannedDirectory> {
  const pause = context.breathe();
  if (pause) await pause;
  const known = previous ? new Map(previous.entries.map((entry) => [entry.name, entry])) : undefined;
  const entries: ScannedEntry[] = [];
  let same = previous?.mode === mode;
  for (const child of namesIn(path)) {
    const before = typeof child === 'string' ? known?.get(child) : undefined;
    const childPath = joinPath(path, child);
    const childRelative = joinPath(relative, child);
    const stats = statOf(childPath, childRelative, context);
    if (!stats) continue;
    if (stats.isDirectory()) {
      if (before?.kind !== 'directory' && !context.keep(childRelative, 'directory')) continue;
      const known = before?.kind === 'directory' ? before : undefined;
      const entry = await scanDirectory(childPath, childRelative, child, stats.mode & 0o7777, known, context);
      if (!known || entry.tree === undefined || entry.tree !== known.tree || known.mode !== entry.mode) same = false;
      entries.push(entry);
    } else {
      const entry = entryOf(childPath, childRelative, child, stats, before, context);
      if (!entry) continue;
      if (entry !== before) same = false;
      entries.push(entry);
    }
  }
  const unchanged = same && entries.length === previous?.entries.length;
  return { kind: 'directory', name, mode, entries, tree: unchanged ? previous.tree : undefined };
}

/** One entry that is not a directory; undefined when it is left out. */
export function entryOf(
  path: FilePath,
  relative: FilePath,
  name: EntryName,
  stats: Stats,
  before: ScannedEntry | undefined,
  context: ScanContext,
): ScannedEntry | undefined {
  if (stats.isFile()) {
    if (before?.kind !== 'file' && !context.keep(relative, 'file')) return undefined;
    return scanFile(path, relative, name, stats, before, context);
  }
  if (stats.isSymbolicLink()) {
    if (before?.kind !== 'link' && !context.keep(relative, 'link')) return undefined;
    const target = entryNameOf(readlinkSync(path, 'buffer'));
    return before?.kind === 'link' && sameName(before.target, target) ? before : { kind: 'link', name, target };
  }
  context.skipped.push({ path: displayPath(relative), reason: 'special' });
  return undefined;
}

/** Looks at one file; asks for its content unless its marks say that it is the one seen before. */
export function scanFile(
  path: FilePath,
  relative: FilePath,
  name: EntryName,
  stats: Stats,
  before: ScannedEntry | undefined,
  context: Pick<ScanContext, 'onFile' | 'settledMs'>,
): ScannedFile {
  const mode = stats.mode & 0o7777;
  if (before?.kind === 'file' && before.stored && !before.racy && sameMark(before.mark, stats)) {
    if (before.mode === mode) return before;
    return { ...before, mode };
  }
  const mark = { size: stats.size, inode: stats.ino, modifiedMs: stats.mtimeMs, changedMs: stats.ctimeMs };
  const racy = stats.ctimeMs > context.settledMs - timestampGranularityMs;
  const file: ScannedFile = { kind: 'file', name, mode, mark, stored: undefined, racy };
  context.onFile(path, relative, file);
  return file;
}

function sameMark(mark: FileMark, stats: Stats): boolean {
  return (
    mark.size === stats.size &&
    mark.changedMs === stats.ctimeMs &&
    mark.modifiedMs === stats.mtimeMs &&
    mark.inode === stats.ino
  );
}

function sameName(first: EntryName, second: EntryName): boolean {
  return typeof first === 'string' || typeof second === 'string' ? first === second : first.equals(second);
}

function statOf(path: FilePath, relative: FilePath, context: ScanContext): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) context.skipped.push({ path: displayPath(relative), reason: 'vanished' });
  return stats;
}

/** Names as text; those that are not valid UTF-8 as bytes. */
function namesIn(path: FilePath): EntryName[] {
  const names = readdirSync(path);
  if (!names.some((name) => name.includes('\uFFFD'))) return names;
  return readdirSync(path, { encoding: 'buffer' }).map(entryNameOf);
}
