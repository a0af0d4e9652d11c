import { closeSync, constants, fchmodSync, openSync, readSync, unlinkSync } from 'node:fs';
import { digestBytesOf, digestOf } from '../digest.js';
import type { FilePath } from '../paths.js';
import { findInIndex } from './segment-format.js';
import { type SegmentWriter, writeFully } from './segment-writer.js';
import { encodeChunks } from './tree.js';

/** Bytes that cross a thread lose their `Buffer` type; paths are given back theirs. */
export type SentPath = string | Uint8Array;

export function receivePath(path: SentPath): FilePath {
  return typeof path === 'string' ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** What became of one file of a batch. */
export type StoredFile =
  | { kind: 'file' | 'chunked'; digest: string; size: number; writtenBytes: number; writtenBlobs: number }
  | { kind: 'unreadable'; reason: string };

export interface StoreContext {
  writer: SegmentWriter;
  /** Indexes of the segments that the store has, to write only what is missing. */
  indexes: readonly Buffer[];
  chunkBytes: number;
  /** Large enough for one chunk and one byte more. */
  buffer: Buffer;
}

/** Reads one file, hashes it and appends what the store lacks. */
export function storeFile(path: FilePath, context: StoreContext): StoredFile {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    return { kind: 'unreadable', reason: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
  try {
    const first = readChunk(file, context);
    if (first <= context.chunkBytes) {
      const stored = storeBlob(context.buffer.subarray(0, first), context);
      return { kind: 'file', digest: stored.digest.toString('hex'), size: first, ...written([stored]) };
    }
    return storeChunks(file, first, context);
  } finally {
    closeSync(file);
  }
}

/** Reads up to one byte more than a chunk, so that the end of a small file is known after one read. */
function readChunk(file: number, { buffer, chunkBytes }: StoreContext, used = 0): number {
  let total = used;
  while (total <= chunkBytes) {
    const count = readSync(file, buffer, total, chunkBytes + 1 - total, null);
    if (count === 0) break;
    total += count;
  }
  return total;
}

function storeChunks(file: number, firstBytes: number, context: StoreContext): StoredFile {
  const { buffer, chunkBytes } = context;
  const chunks: { digest: string; size: number }[] = [];
  const stored: StoredBlob[] = [];
  let size = 0;
  let used = firstBytes;
  while (used > 0) {
    const length = Math.min(used, chunkBytes);
    const blob = storeBlob(buffer.subarray(0, length), context);
    stored.push(blob);
    chunks.push({ digest: blob.digest.toString('hex'), size: length });
    size += length;
    buffer.copyWithin(0, length, used);
    used = readChunk(file, context, used - length);
  }
  const list = storeBlob(encodeChunks({ chunks }), context);
  stored.push(list);
  return { kind: 'chunked', digest: list.digest.toString('hex'), size, ...written(stored) };
}

interface StoredBlob {
  digest: Buffer;
  writtenBytes: number;
  writtenBlobs: number;
}

/** Hashes bytes and appends them unless they are there already. */
export function storeBlob(
  bytes: Uint8Array,
  { writer, indexes }: Pick<StoreContext, 'writer' | 'indexes'>,
): StoredBlob {
  const digest = digestBytesOf(bytes);
  if (writer.has(digest) || indexes.some((index) => findInIndex(index, digest) >= 0)) {
    return { digest, writtenBytes: 0, writtenBlobs: 0 };
  }
  writer.append(digest, bytes);
  return { digest, writtenBytes: bytes.length, writtenBlobs: 1 };
}

function written(blobs: readonly StoredBlob[]): { writtenBytes: number; writtenBlobs: number } {
  return {
    writtenBytes: blobs.reduce((sum, blob) => sum + blob.writtenBytes, 0),
    writtenBlobs: blobs.reduce((sum, blob) => sum + blob.writtenBlobs, 0),
  };
}

/** One piece of a file to be written, and where the store has it. */
export interface PieceSource {
  digest: string;
  segment: string;
  offset: number;
  length: number;
}

/** One file to be restored. */
export interface WriteJob {
  path: SentPath;
  mode: number;
  pieces: PieceSource[];
}

/** What became of one {@link WriteJob}. */
export type WriteOutcome =
  | { kind: 'written' }
  | { kind: 'missing' }
  | { kind: 'corrupt'; digest: string; segment: string }
  | { kind: 'failed'; code: string; message: string };

export interface WriteContext {
  /** Open segments by path; the caller closes them. */
  segments: Map<string, number>;
  umask: number;
  buffer: Buffer;
}

/** Writes one file from verified pieces. A file whose bytes do not verify is not left behind. */
export function writeFile(job: WriteJob, context: WriteContext): WriteOutcome {
  const path = receivePath(job.path);
  let file: number | undefined;
  try {
    for (const [position, piece] of job.pieces.entries()) {
      const bytes = readPiece(piece, context);
      if (bytes.length !== piece.length || digestOf(bytes) !== piece.digest) {
        if (file !== undefined) removeQuietly(path);
        return { kind: 'corrupt', digest: piece.digest, segment: piece.segment };
      }
      if (position === 0) file = create(path, job.mode, context.umask);
      writeFully(file!, bytes);
    }
    if (file === undefined) file = create(path, job.mode, context.umask);
    return { kind: 'written' };
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (file !== undefined) removeQuietly(path);
    if (failure.code === 'ENOENT' && failure.syscall === 'open' && file === undefined) return { kind: 'missing' };
    return { kind: 'failed', code: failure.code ?? '', message: failure.message };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function create(path: FilePath, mode: number, umask: number): number {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const file = openSync(path, flags, mode);
  if ((mode & umask) !== 0 || mode > 0o777) fchmodSync(file, mode);
  return file;
}

function readPiece(piece: PieceSource, { segments, buffer }: WriteContext): Buffer {
  let segment = segments.get(piece.segment);
  if (segment === undefined) {
    segment = openSync(piece.segment, 'r');
    segments.set(piece.segment, segment);
  }
  const target = piece.length <= buffer.length ? buffer : Buffer.allocUnsafe(piece.length);
  const count = readSync(segment, target, 0, piece.length, piece.offset);
  return target.subarray(0, count);
}

function removeQuietly(path: FilePath): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
