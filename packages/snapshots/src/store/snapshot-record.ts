import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Digest, digestOf, isDigest } from '../digest.js';
import { fileSystemError, SnapshotError } from '../errors.js';
import { type StoreLayout, snapshotPath } from './layout.js';

/** A frozen tree and how it came to be. Immutable; its id is the digest of its record. */
export interface Snapshot {
  /** SHA-256 of the record. */
  id: Digest;
  /** Digest of the root directory. */
  tree: Digest;
  /** Mode of the root directory. */
  mode: number;
  /** The snapshot this one was cloned or captured from. */
  parent: Digest | undefined;
  owner: string;
  createdAtMs: number;
  files: number;
  /** Sum of the sizes of all files. */
  bytes: number;
  /** What the caller wants to find again. No secrets: it is stored in clear. */
  labels: Readonly<Record<string, string>>;
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const recordSchema = z.strictObject({
  format: z.literal(1),
  nonce: z.string(),
  tree: digest,
  mode: z.number().int().min(0).max(0o7777),
  parent: digest.nullable(),
  owner: z.string(),
  createdAtMs: z.number(),
  files: z.number().int().min(0),
  bytes: z.number().int().min(0),
  labels: z.record(z.string(), z.string()),
});

export function encodeSnapshot(snapshot: Omit<Snapshot, 'id'>, nonce: string): { id: Digest; text: string } {
  const text = JSON.stringify({
    format: 1,
    nonce,
    tree: snapshot.tree,
    mode: snapshot.mode,
    parent: snapshot.parent ?? null,
    owner: snapshot.owner,
    createdAtMs: snapshot.createdAtMs,
    files: snapshot.files,
    bytes: snapshot.bytes,
    labels: snapshot.labels,
  });
  return { id: digestOf(text), text };
}

/** @throws {@link SnapshotError} `blob_corrupt` when the record is not the one that the id promises */
export function decodeSnapshot(id: Digest, text: string): Snapshot {
  const parsed = digestOf(text) === id ? recordSchema.safeParse(JSON.parse(text)) : undefined;
  if (!parsed?.success) {
    throw new SnapshotError(
      'blob_corrupt',
      `The record of snapshot ${id} is corrupt. Drop it, then capture or pull it again.`,
    );
  }
  const { format: _format, nonce: _nonce, parent, ...rest } = parsed.data;
  return { id, ...rest, parent: parent ?? undefined };
}

/** Temporary name, then rename: a record is there whole or not at all. */
export function writeSnapshotText(layout: StoreLayout, id: Digest, text: string): void {
  const path = snapshotPath(layout, id);
  const temporary = join(layout.temporary, `${process.pid}-${id}.json`);
  try {
    writeFileSync(temporary, text);
    try {
      renameSync(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(dirname(path), { recursive: true });
      renameSync(temporary, path);
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fileSystemError(error, 'writing a snapshot record');
  }
}

/** @throws {@link SnapshotError} `snapshot_unknown` or `blob_corrupt` */
export function readSnapshot(layout: StoreLayout, id: Digest): Snapshot {
  return decodeSnapshot(id, readSnapshotText(layout, id));
}

/** @throws {@link SnapshotError} `snapshot_unknown` */
export function readSnapshotText(layout: StoreLayout, id: Digest): string {
  if (!isDigest(id)) throw unknownSnapshot(id);
  try {
    return readFileSync(snapshotPath(layout, id), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw unknownSnapshot(id);
    throw fileSystemError(error, 'reading a snapshot record');
  }
}

export function dropSnapshot(layout: StoreLayout, id: Digest): boolean {
  if (!isDigest(id)) return false;
  try {
    rmSync(snapshotPath(layout, id));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export function listSnapshotIds(layout: StoreLayout): Digest[] {
  return readdirSync(layout.snapshots)
    .flatMap((folder) => readdirSync(join(layout.snapshots, folder)))
    .map((name) => name.replace(/\.json$/, ''))
    .filter(isDigest);
}

function unknownSnapshot(id: string): SnapshotError {
  return new SnapshotError(
    'snapshot_unknown',
    `There is no snapshot ${JSON.stringify(id)} in this store. List the snapshots, or pull it from a tier first.`,
  );
}
