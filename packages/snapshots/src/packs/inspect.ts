import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidPack, type PackLock, type PackMeta, parsePackLock, parsePackMeta } from './pack-format.js';

/** What a pack says about itself. */
export interface InspectedPack {
  meta: PackMeta;
  lock: PackLock;
  /** Length of all layers as they lie on disk, and unpacked. */
  fileBytes: number;
  bytes: number;
}

/**
 * Reads `meta.json` and `lock.json`. The layers themselves are not read: {@link verifyPack} does that.
 *
 * @throws SnapshotError `pack_invalid`
 */
export async function inspectPack(directory: string): Promise<InspectedPack> {
  const read = (file: string) =>
    readFile(join(directory, file), 'utf8').catch((cause: unknown) => {
      throw invalidPack(`${join(directory, file)} cannot be read`, cause);
    });
  const meta = parsePackMeta(await read('meta.json'));
  const lock = parsePackLock(await read('lock.json'));
  return {
    meta,
    lock,
    fileBytes: meta.layers.reduce((sum, layer) => sum + layer.fileBytes, 0),
    bytes: meta.layers.reduce((sum, layer) => sum + layer.bytes, 0),
  };
}
