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

/** One file to be stored, and how long it was when it was looked at. */
export interface StoreJob {
  path: SentPath;
  size: number;
}

export interface StoreContext {
  writer: SegmentWriter;
  /** Indexes of the segments that the store has, to write only what is missing. */
  indexes: readonly Buffer[];
  /** At most what the writer can reserve, less one byte. */
  chunkBytes: number;
}

/** Reads one file straight into the segment's buffer, hashes it there and keeps what the store lacks. */
export function storeFile(job: StoreJob, context: StoreContext): StoredFile {
  let file: number;
  try {
    file = openSync(receivePath(job.path), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    return { kind: 'unreadable', reason: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
  try {
    const bytes = readSmall(file, job.size, context);
    if (!bytes) return storeChunks(file, context);
    const stored = storeReserved(bytes, context);
    return { kind: 'file', digest: stored.digest.toString('hex'), size: bytes.length, ...written([stored]) };
  } finally {
    closeSync(file);
  }
}

/** The whole file, in the writer's buffer; undefined when it is larger than one chunk. */
function readSmall(file: number, size: number, { writer, chunkBytes }: StoreContext): Buffer | undefined {
  if (size <= chunkBytes) {
    const buffer = writer.reserve(size + 1);
    const count = readAt(file, buffer, 0, size);
    if (count <= size) return buffer.subarray(0, count);
  }
  const buffer = writer.reserve(chunkBytes + 1);
  const count = readAt(file, buffer, 0, chunkBytes);
  return count <= chunkBytes ? buffer.subarray(0, count) : undefined;
}

/**
 * Fills the buffer from there on; the count is that of bytes read. A read that ends exactly where the file ended when it
 * was looked at is the last one, so an unchanged file costs one.
 */
function readAt(file: number, buffer: Buffer, position: number, expected: number): number {
  let total = 0;
  while (total < buffer.length) {
    const count = readSync(file, buffer, total, buffer.length - total, position + total);
    total += count;
    if (count === 0 || total === expected) break;
  }
  return total;
}

function storeChunks(file: number, context: StoreContext): StoredFile {
  const { writer, chunkBytes } = context;
  const chunks: { digest: string; size: number }[] = [];
  const stored: StoredBlob[] = [];
  let size = 0;
  for (;;) {
    const buffer = writer.reserve(chunkBytes);
    const count = readAt(file, buffer, size, chunkBytes);
    if (count === 0) break;
    const blob = storeReserved(buffer.subarray(0, count), context);
    stored.push(blob);
    chunks.push({ digest: blob.digest.toString('hex'), size: count });
    size += count;
    if (count < chunkBytes) break;
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

type Shelf = Pick<StoreContext, 'writer' | 'indexes'>;

/** Hashes bytes and appends them unless they are there already. */
export function storeBlob(bytes: Uint8Array, shelf: Shelf): StoredBlob {
  const digest = digestBytesOf(bytes);
  if (isStored(digest, shelf)) return { digest, writtenBytes: 0, writtenBlobs: 0 };
  shelf.writer.append(digest, bytes);
  return { digest, writtenBytes: bytes.length, writtenBlobs: 1 };
}

/** As {@link storeBlob}, for bytes at the start of what the writer has reserved. */
function storeReserved(bytes: Buffer, shelf: Shelf): StoredBlob {
  const digest = digestBytesOf(bytes);
  if (isStored(digest, shelf)) return { digest, writtenBytes: 0, writtenBlobs: 0 };
  shelf.writer.appendReserved(digest, bytes.length);
  return { digest, writtenBytes: bytes.length, writtenBlobs: 1 };
}

function isStored(digest: Buffer, { writer, indexes }: Shelf): boolean {
  return writer.has(digest) || indexes.some((index) => findInIndex(index, digest) >= 0);
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
