/** What went wrong, for a program. The README of this package has a line on each. */
export type SnapshotErrorCode =
  | 'invalid_option'
  | 'store_unusable'
  | 'store_busy'
  | 'snapshot_unknown'
  | 'snapshot_denied'
  | 'blob_missing'
  | 'blob_corrupt'
  | 'tree_invalid'
  | 'path_unsafe'
  | 'target_not_empty'
  | 'source_unreadable'
  | 'archive_invalid'
  | 'archive_too_large'
  | 'disk_full'
  | 'tier_failed'
  | 'tier_timeout'
  | 'pack_invalid'
  | 'lock_file_invalid'
  | 'sandbox_failed'
  | 'cancelled'
  | 'closed';

const marker = Symbol.for('pilotlight.SnapshotError');

/**
 * Base of every error thrown by `@pilotlight/snapshots`. The message ends with what to do next; `cause` keeps the original.
 *
 * Use {@link isSnapshotError} rather than `instanceof`: an application may hold two copies of the package.
 */
export class SnapshotError extends Error {
  override readonly name: string = 'SnapshotError';
  readonly code: SnapshotErrorCode;
  readonly [marker] = true;

  constructor(code: SnapshotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for every {@link SnapshotError}, also one made by another copy of this package. */
export function isSnapshotError(value: unknown): value is SnapshotError {
  return typeof value === 'object' && value !== null && (value as { [marker]?: unknown })[marker] === true;
}

/** Bytes do not have the digest they are kept under. Nothing of them was used. */
export class IntegrityError extends SnapshotError {
  override readonly name = 'IntegrityError';
  /** The digest that was asked for. */
  readonly digest: string;
  /** Where the bytes came from: a file of the store or the name of a tier. */
  readonly source: string;

  constructor(digest: string, source: string, detail: string, options?: ErrorOptions) {
    super(
      'blob_corrupt',
      `Blob ${digest} read from ${source} is corrupt: ${detail}. Nothing of it was used. ` +
        'Run `verify` to see what else is damaged, then capture or pull the snapshot again.',
      options,
    );
    this.digest = digest;
    this.source = source;
  }
}

/** A name in a tree, an archive or a request would leave the directory it belongs to. */
export class UnsafePathError extends SnapshotError {
  override readonly name = 'UnsafePathError';
  /** The name as it was given. */
  readonly path: string;

  constructor(path: string, reason: string) {
    super(
      'path_unsafe',
      `Path ${JSON.stringify(path)} was refused: ${reason}. Nothing was written; use a source that you trust.`,
    );
    this.path = path;
  }
}

/** Maps what the file system says to our words; anything else is returned as it is. */
export function fileSystemError(error: unknown, doing: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (isSnapshotError(error)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new SnapshotError(
      'disk_full',
      `The disk is full: ${doing} did not finish and nothing of it was kept. Free space or run \`collect\`, then try again.`,
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new SnapshotError(
      'store_unusable',
      `No permission for ${doing}. Give this process access to the directory, or choose another one.`,
      { cause: error },
    );
  }
  return error;
}

/** Throws the typed error of a signal that has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new SnapshotError('cancelled', 'The work was cancelled by its signal; nothing of it was kept.', {
      cause: signal.reason,
    });
  }
}
