import { lstatSync, type Stats } from 'node:fs';
import { displayPath, type FilePath, joinPath, splitSafePath } from '../paths.js';
import { entryOf, type ScanContext, type ScannedDirectory, type ScannedEntry, scanDirectory } from './scan.js';

/** Looks only at the named paths and takes everything else from the earlier scan. */
export async function rescanPaths(
  path: string,
  previous: ScannedDirectory,
  changed: readonly string[],
  context: ScanContext,
): Promise<ScannedDirectory> {
  let root = previous;
  for (const name of changed) root = await rescan(path, '', root, splitSafePath(name), context);
  return root;
}

/** Directories on the way are copied, so that the earlier scan stays what it was. */
async function rescan(
  path: FilePath,
  relative: FilePath,
  directory: ScannedDirectory,
  names: readonly string[],
  context: ScanContext,
): Promise<ScannedDirectory> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return { ...directory, entries: [], tree: undefined };
  const [name, ...rest] = names;
  if (name === undefined) {
    return scanDirectory(path, relative, directory.name, stats.mode & 0o7777, directory, context);
  }
  const before = directory.entries.find((entry) => entry.name === name);
  const child = await rescanChild(joinPath(path, name), joinPath(relative, name), name, before, rest, context);
  const others = directory.entries.filter((entry) => entry !== before);
  const entries = child ? [...others, child] : others;
  return { ...directory, mode: stats.mode & 0o7777, entries, tree: undefined };
}

async function rescanChild(
  path: FilePath,
  relative: FilePath,
  name: string,
  before: ScannedEntry | undefined,
  rest: readonly string[],
  context: ScanContext,
): Promise<ScannedEntry | undefined> {
  const stats: Stats | undefined = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (!stats.isDirectory()) return entryOf(path, relative, name, stats, before, context);
  if (!context.keep(displayPath(relative), 'directory')) return undefined;
  const known = before?.kind === 'directory' ? before : undefined;
  if (known && rest.length > 0) return rescan(path, relative, known, rest, context);
  return scanDirectory(path, relative, name, stats.mode & 0o7777, known, context);
}
