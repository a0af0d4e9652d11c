import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { tap } from '../archive/tap.js';
import { createDigest, type Digest } from '../digest.js';
import { fileSystemError, IntegrityError, isSnapshotError, SnapshotError } from '../errors.js';
import { inspectPack } from '../packs/inspect.js';
import {
  layerFile,
  type PackKey,
  type PackLayer,
  type PackMeta,
  packKeyDigest,
  parsePackLock,
  parsePackMeta,
} from '../packs/pack-format.js';
import { verifyPack } from '../packs/verify.js';
import { refKey } from './tier.js';
import type { TieredObjects } from './tiered.js';

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** What lies in the tiers for one pack: its two files, and the chunks of each layer. */
const manifestSchema = z.strictObject({
  format: z.literal(1),
  meta: z.string(),
  lock: z.string(),
  layers: z.array(z.array(digestSchema)),
});

type Manifest = z.output<typeof manifestSchema>;

const chunkBytes = 8 * 1024 * 1024;

/**
 * Puts a pack into the tiers, each layer in chunks side by side.
 *
 * @throws {@link SnapshotError} `pack_invalid`, `tier_failed`, `cancelled`
 */
export async function pushPack(
  tiers: TieredObjects,
  directory: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ key: PackKey; chunks: number; bytes: number }> {
  const { meta, fileBytes } = await inspectPack(directory);
  const layers: Digest[][] = [];
  for (const [position, layer] of meta.layers.entries()) {
    const path = join(directory, layerFile(meta, position));
    const starts = Array.from({ length: Math.ceil(layer.fileBytes / chunkBytes) }, (_, index) => index * chunkBytes);
    layers.push(
      await tiers.forEach(
        starts,
        async (start) =>
          tiers.put(await readRange(path, start, Math.min(start + chunkBytes, layer.fileBytes)), options),
        options.signal,
      ),
    );
  }
  const manifest: Manifest = {
    format: 1,
    meta: await readFile(join(directory, 'meta.json'), 'utf8'),
    lock: await readFile(join(directory, 'lock.json'), 'utf8'),
    layers,
  };
  await tiers.putRef(refKey('pack', packKeyDigest(meta.key)), Buffer.from(JSON.stringify(manifest)), options);
  return { key: meta.key, chunks: layers.flat().length, bytes: fileBytes };
}

async function readRange(path: string, start: number, end: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of createReadStream(path, { start, end: end - 1 })) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/**
 * Takes a pack from the tiers into a new directory, whole or not at all. Each layer is unpacked for a look and has to have
 * the digest that the key was made from before the directory appears: a manifest alone is not believed. A tier whose
 * manifest or chunks are wrong is reported and passed by.
 *
 * @throws {@link SnapshotError} `snapshot_unknown` when no tier has it, `blob_missing` when none has it whole, `cancelled`
 */
export async function pullPack(
  tiers: TieredObjects,
  key: PackKey,
  output: string,
  options: { signal?: AbortSignal } = {},
): Promise<PackMeta> {
  const path = resolve(output);
  const parse = (bytes: Buffer) => parseManifest(key, bytes);
  const found = tiers.candidates(refKey('pack', packKeyDigest(key)), {
    accept: (bytes) => void parse(bytes),
    ...(options.signal && { signal: options.signal }),
  });
  let failure: unknown;
  for await (const { bytes, refuse } of found) {
    const staging = `${path}.${process.pid}.partial`;
    try {
      const { manifest, meta } = parse(bytes);
      await rm(staging, { recursive: true, force: true });
      await mkdir(join(staging, 'layers'), { recursive: true });
      for (const [position, layer] of meta.layers.entries()) {
        await pullLayer(
          tiers,
          layer,
          manifest.layers[position]!,
          join(staging, layerFile(meta, position)),
          options.signal,
        );
      }
      await writeFile(join(staging, 'meta.json'), manifest.meta);
      await writeFile(join(staging, 'lock.json'), manifest.lock);
      await assertSound(meta, staging);
      await rename(staging, path);
      return meta;
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const known = fileSystemError(error, `pulling ${key}`);
      if (!isSnapshotError(known) || known.code === 'cancelled' || known.code === 'disk_full') throw known;
      failure = known;
      // A chunk that no tier has is nobody's lie.
      if (known.code !== 'blob_missing') await refuse(known);
    }
  }
  throw failure ?? new SnapshotError('snapshot_unknown', `No tier has the pack ${key}. Build it and push it first.`);
}

/** @throws {@link IntegrityError} when a layer is not the one that the pack's key was made from */
async function assertSound(meta: PackMeta, directory: string): Promise<void> {
  const { layers } = await verifyPack(directory);
  for (const [position, { name, problem }] of layers.entries()) {
    if (problem === undefined) continue;
    throw new IntegrityError(meta.layers[position]!.digest, 'the tiers', `layer ${name}: ${problem}`);
  }
}

function parseManifest(key: PackKey, bytes: Buffer): { manifest: Manifest; meta: PackMeta } {
  const manifest = manifestSchema.parse(JSON.parse(bytes.toString()));
  const meta = parsePackMeta(manifest.meta);
  parsePackLock(manifest.lock);
  if (meta.key !== key || manifest.layers.length !== meta.layers.length) {
    throw new SnapshotError('pack_invalid', `A tier gave ${meta.key} for ${key}. It was ignored; push the pack again.`);
  }
  return { manifest, meta };
}

/** Chunks are fetched ahead, in a window, and written in order. */
async function pullLayer(
  tiers: TieredObjects,
  layer: PackLayer,
  chunks: readonly Digest[],
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const digest = createDigest();
  const pieces = async function* () {
    const window: Promise<Buffer>[] = [];
    for (const chunk of chunks) {
      window.push(fetchChunk(tiers, chunk, signal));
      window.at(-1)!.catch(() => undefined);
      if (window.length >= tiers.concurrency) yield await window.shift()!;
    }
    for (const rest of window) yield await rest;
  };
  await pipeline(
    Readable.from(pieces(), { objectMode: false }),
    tap((bytes) => digest.update(bytes)),
    createWriteStream(path),
  );
  if (digest.hex() !== layer.fileDigest) {
    throw new IntegrityError(layer.fileDigest, 'the tiers', `the chunks of layer ${layer.name} make another file`);
  }
}

async function fetchChunk(tiers: TieredObjects, chunk: Digest, signal: AbortSignal | undefined): Promise<Buffer> {
  const bytes = await tiers.get(chunk, signal ? { signal } : {});
  if (bytes) return bytes;
  throw new SnapshotError('blob_missing', `No tier has the chunk ${chunk} any more. Push the pack again.`);
}
