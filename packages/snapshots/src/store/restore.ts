import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileSystemError, IntegrityError, isSnapshotError, SnapshotError } from '../errors.js';
import { type FilePath, joinPath } from '../paths.js';
import { createBreath } from './capture.js';
import type { StoreCore } from './core.js';
import type { PieceSource, WriteJob } from './file-jobs.js';
import { RestoreSession } from './restore-session.js';
import { missingBlob } from './segments.js';
import type { Snapshot } from './snapshot-record.js';
import { decodeChunks, decodeTree, type TreeEntry } from './tree.js';

export interface RestoreOptions {
  /** Restore set-uid and set-gid bits as well. @default false */
  allowSetId?: boolean;
  signal?: AbortSignal;
}

export interface RestoreResult {
  files: number;
  directories: number;
  links: number;
  bytes: number;
}

/**
 * Writes a snapshot into a new directory. Everything is written and verified beside the target first; the last step is
 * one rename, so the target is there whole or not at all.
 */
export async function restoreSnapshot(
  core: StoreCore,
  snapshot: Snapshot,
  target: string,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const path = resolve(target);
  assertFree(path);
  const staging = join(dirname(path), `.${basename(path)}.${core.randomName()}.partial`);
  core.segments.refresh();
  const session = new RestoreSession(core);
  try {
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(staging, { mode: 0o700 });
    const result = await writeTree(core, session, snapshot, staging, options);
    renameSync(staging, path);
    return result;
  } catch (error) {
    await session.end();
    await rm(staging, { recursive: true, force: true });
    throw isSnapshotError(error) ? error : fileSystemError(error, `restoring to ${path}`);
  } finally {
    await session.end();
  }
}

function assertFree(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (stats.isDirectory() && readdirSync(path).length === 0) return;
  throw new SnapshotError(
    'target_not_empty',
    `${path} is there already and is not an empty directory. Restore to a new path, or remove it first.`,
  );
}

interface Plan {
  directories: { path: FilePath; mode: number; made: number | undefined }[];
  links: { path: FilePath; target: string | Buffer }[];
  result: RestoreResult;
}

async function writeTree(
  core: StoreCore,
  session: RestoreSession,
  snapshot: Snapshot,
  staging: string,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const mask = options.allowSetId ? 0o7777 : 0o1777;
  const plan: Plan = {
    directories: [{ path: staging, mode: snapshot.mode & mask, made: undefined }],
    links: [],
    result: { files: 0, directories: 0, links: 0, bytes: 0 },
  };
  const waiting: { path: FilePath; tree: string }[] = [{ path: staging, tree: snapshot.tree }];
  const breathe = createBreath(options.signal);
  const making = { umask: process.umask(), inherited: lstatSync(staging).mode & 0o7000 };
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const pause = breathe();
    if (pause) await pause;
    if (session.failure) break;
    for (const entry of decodeTree(core.segments.read(next.tree))) {
      const path = joinPath(next.path, entry.name);
      if (entry.kind === 'directory') {
        plan.directories.push(makeDirectory(path, entry.mode & mask, making));
        plan.result.directories += 1;
        waiting.push({ path, tree: entry.digest });
      } else if (entry.kind === 'link') {
        plan.links.push({ path, target: entry.target });
      } else {
        plan.result.files += 1;
        plan.result.bytes += entry.size;
        await session.add({ path, mode: entry.mode & mask, pieces: piecesOf(core, entry) });
      }
    }
  }
  await session.settle((job) => repair(core, job), breathe);
  // Links come last: nothing is ever written through one.
  for (const { path, target } of plan.links) symlinkSync(target, path);
  plan.result.links = plan.links.length;
  for (const { path, mode, made } of plan.directories.reverse()) if (mode !== made) chmodSync(path, mode);
  return plan.result;
}

/**
 * With its own mode at once where this process can go on working in it; the staging directory lets nobody else in. Bits that
 * directories inherit from the one that they are made in come with it.
 */
function makeDirectory(
  path: FilePath,
  mode: number,
  { umask, inherited }: { umask: number; inherited: number },
): Plan['directories'][number] {
  const final = (mode & 0o700) === 0o700 && mode <= 0o777 && (mode & umask) === 0;
  const made = final ? mode : 0o700;
  mkdirSync(path, { mode: made });
  return { path, mode, made: made | inherited };
}

function piecesOf(core: StoreCore, entry: Extract<TreeEntry, { kind: 'file' | 'chunked' }>): PieceSource[] {
  if (entry.kind === 'file') return [locate(core, entry.digest, entry.size)];
  const { chunks } = decodeChunks(core.segments.read(entry.digest), entry.size);
  return chunks.map((chunk) => locate(core, chunk.digest, chunk.size));
}

function locate(core: StoreCore, digest: string, size: number): PieceSource {
  const found = core.segments.find(digest);
  if (!found) throw missingBlob(digest);
  if (found.length !== size) {
    throw new IntegrityError(digest, found.segment.path, `it has ${found.length} bytes where ${size} were promised`);
  }
  return { digest, segment: found.segment.path, offset: found.offset, length: found.length };
}

/** A sweep moved the segment in between: the blobs are looked for once more. */
function repair(core: StoreCore, job: WriteJob): WriteJob {
  core.segments.refresh();
  return { ...job, pieces: job.pieces.map((piece) => locate(core, piece.digest, piece.length)) };
}
