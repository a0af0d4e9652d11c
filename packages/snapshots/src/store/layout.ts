import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../digest.js';
import { fileSystemError, SnapshotError } from '../errors.js';

/** The version of the format is in the directory's name, so two versions can lie side by side. */
export const formatDirectory = 'store-v1';

/** Where each thing of a store lies. The algorithm is in the path, the digest is the name. */
export interface StoreLayout {
  root: string;
  segments: string;
  snapshots: string;
  temporary: string;
  lock: string;
  scans: string;
  generation: string;
}

export function layoutOf(directory: string): StoreLayout {
  const root = join(directory, formatDirectory);
  return {
    root,
    segments: join(root, 'segments', 'sha256'),
    snapshots: join(root, 'snapshots', 'sha256'),
    temporary: join(root, 'temporary'),
    lock: join(root, 'lock'),
    scans: join(root, 'scans'),
    generation: join(root, 'generation'),
  };
}

/** @throws {@link SnapshotError} `store_unusable` or `disk_full` */
export function prepareLayout(layout: StoreLayout): void {
  try {
    for (const path of [layout.segments, layout.snapshots, layout.temporary, layout.scans]) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    }
  } catch (error) {
    const known = fileSystemError(error, 'creating the store');
    if (known !== error) throw known;
    throw new SnapshotError(
      'store_unusable',
      `The store cannot be created in ${layout.root}. Choose a directory that this process can write.`,
      { cause: error },
    );
  }
}

export function segmentPath(layout: StoreLayout, name: Digest): string {
  return join(layout.segments, `${name}.seg`);
}

export function snapshotPath(layout: StoreLayout, id: Digest): string {
  return join(layout.snapshots, id.slice(0, 2), `${id}.json`);
}

/** Counts the sweeps, so that a writer learns that a blob it relied on may be gone. */
export function readGeneration(layout: StoreLayout): number {
  try {
    return Number.parseInt(readFileSync(layout.generation, 'utf8'), 10) || 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** Only while the commit lock is held. */
export function raiseGeneration(layout: StoreLayout, temporaryName: string): number {
  const generation = readGeneration(layout) + 1;
  const temporary = join(layout.temporary, temporaryName);
  writeFileSync(temporary, String(generation));
  renameSync(temporary, layout.generation);
  return generation;
}
