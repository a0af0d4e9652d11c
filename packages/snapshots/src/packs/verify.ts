import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { type ArchiveEntry, type ArchiveLimits, keyOf, readArchive } from '../archive/read-archive.js';
import { tap } from '../archive/tap.js';
import { createDigest } from '../digest.js';
import { isSnapshotError, SnapshotError } from '../errors.js';
import type { EntryName } from '../paths.js';
import { inspectPack } from './inspect.js';
import { layerFile, type PackKey, type PackLayer } from './pack-format.js';

export interface VerifiedPack {
  key: PackKey;
  sound: boolean;
  layers: { name: string; sound: boolean; problem: string | undefined }[];
}

/**
 * Reads every layer once: the file's digest, the tar's digest, and every name in it, which has to lie where the pack says.
 * Never unpacks more than the pack promises.
 *
 * @throws {@link SnapshotError} `pack_invalid` when `meta.json` or `lock.json` is wrong; damaged layers are reported
 */
export async function verifyPack(directory: string, limits: ArchiveLimits = {}): Promise<VerifiedPack> {
  const { meta } = await inspectPack(directory);
  const layers: VerifiedPack['layers'] = [];
  for (const [position, layer] of meta.layers.entries()) {
    const problem = await problemOf(join(directory, layerFile(meta, position)), layer, limits);
    layers.push({ name: layer.name, sound: problem === undefined, problem });
  }
  return { key: meta.key, sound: layers.every((layer) => layer.sound), layers };
}

async function problemOf(path: string, layer: PackLayer, limits: ArchiveLimits): Promise<string | undefined> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => undefined,
  );
  if (size === undefined) return 'its file is missing';
  if (size !== layer.fileBytes) return `its file has ${size} bytes where ${layer.fileBytes} were promised`;
  const fileDigest = createDigest();
  const tarDigest = createDigest();
  let bytes = 0;
  const file = createReadStream(path);
  const opened = tap((chunk) => fileDigest.update(chunk));
  const unzipped = createGunzip();
  const counted = tap((chunk) => {
    bytes += chunk.length;
    if (bytes > layer.bytes) throw bomb(layer);
    tarDigest.update(chunk);
  });
  file.on('error', (error) => counted.destroy(error));
  opened.on('error', (error) => counted.destroy(error));
  unzipped.on('error', (error) => counted.destroy(error));
  file.pipe(opened).pipe(unzipped).pipe(counted);
  try {
    let entries = 0;
    for await (const entry of readArchive(counted, limits)) {
      entries += 1;
      if (!liesAt(entry.names, entry.kind, layer.target)) {
        return `it holds ${JSON.stringify(keyOf(entry.names))}, which is outside its target ${layer.target}`;
      }
      if (entry.kind === 'file') for await (const _chunk of entry.content);
    }
    if (fileDigest.hex() !== layer.fileDigest) return 'its file has another digest';
    if (tarDigest.hex() !== layer.digest) return 'its tar has another digest';
    if (entries !== layer.entries) return `it holds ${entries} entries where ${layer.entries} were promised`;
    return undefined;
  } catch (error) {
    if (!isSnapshotError(error)) throw error;
    const cause = error.cause;
    return isSnapshotError(cause) ? cause.message : error.message;
  } finally {
    file.destroy();
    opened.destroy();
    unzipped.destroy();
  }
}

/** Below the target, or a directory on the way to it. */
function liesAt(names: readonly EntryName[], kind: ArchiveEntry['kind'], target: string): boolean {
  const wanted = target === '' ? [] : target.split('/');
  const shared = Math.min(names.length, wanted.length);
  const same = names.slice(0, shared).every((name, depth) => name === wanted[depth]);
  return same && (names.length >= wanted.length || kind === 'directory');
}

function bomb(layer: PackLayer): SnapshotError {
  return new SnapshotError(
    'archive_too_large',
    `Layer ${layer.name} unpacks to more than the ${layer.bytes} bytes it promises. It was not read further.`,
  );
}
