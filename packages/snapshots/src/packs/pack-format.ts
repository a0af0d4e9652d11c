import { z } from 'zod';
import { type Digest, digestOf, isDigest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { splitSafePath } from '../paths.js';

/** `runtime-pack:v1:sha256:` and 64 hexadecimal digits. */
export type PackKey = `runtime-pack:v1:sha256:${string}`;

const keyPrefix = 'runtime-pack:v1:sha256:';

export function isPackKey(value: unknown): value is PackKey {
  return typeof value === 'string' && value.startsWith(keyPrefix) && isDigest(value.slice(keyPrefix.length));
}

/** The 64 digits of a key, fit for a file name. */
export function packKeyDigest(key: PackKey): Digest {
  return key.slice(keyPrefix.length);
}

/** A pack is its ordered layers: two packs with the same ones are the same pack, whatever they are called. */
export function packKeyOf(layerDigests: readonly Digest[]): PackKey {
  return `${keyPrefix}${digestOf(layerDigests.join('\n'))}`;
}

/** As `splitSafePath` would write it again; the root itself is the empty path. */
function isPlainPath(path: string): boolean {
  try {
    return splitSafePath(path).join('/') === path;
  } catch {
    return false;
  }
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const layerName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'use lower-case letters, digits, ".", "_" and "-"');
const count = z.number().int().min(0);

const layerSchema = z.strictObject({
  name: layerName,
  kind: z.enum(['directory', 'dependencies']),
  /** Where it lies in the sandbox, without the leading slash. */
  target: z.string().refine(isPlainPath, 'is no plain path below the root: no leading "/", no "." and no ".."'),
  /** SHA-256 of the tar, which decides the pack's key. */
  digest,
  /** Length of the tar. */
  bytes: count,
  /** SHA-256 and length of the file as it lies in `layers/`. */
  fileDigest: digest,
  fileBytes: count,
  entries: count,
  /** What it was made from; the same inputs above the same layers need no new build. */
  inputs: digest,
});

const metaSchema = z.strictObject({
  format: z.literal('runtime-pack:v1'),
  key: z.string().refine(isPackKey, 'is no pack key'),
  name: layerName,
  layers: z.array(layerSchema).min(1),
});

const lockSchema = z.strictObject({
  format: z.literal('runtime-pack:v1'),
  layers: z.array(
    z.strictObject({
      name: layerName,
      manager: z.enum(['npm', 'pip', 'cargo']),
      source: z.string(),
      digest,
      packages: z.array(z.strictObject({ name: z.string(), version: z.string(), integrity: z.array(z.string()) })),
    }),
  ),
});

export type PackLayer = z.output<typeof layerSchema>;
/** The content of `meta.json`. */
export type PackMeta = Omit<z.output<typeof metaSchema>, 'key'> & { key: PackKey };
/** The content of `lock.json`. */
export type PackLock = z.output<typeof lockSchema>;

/** @throws {@link SnapshotError} `pack_invalid`, also when the key is not that of the layers */
export function parsePackMeta(text: string): PackMeta {
  const meta = parse(metaSchema, text, 'meta.json');
  const expected = packKeyOf(meta.layers.map((layer) => layer.digest));
  if (meta.key !== expected) throw invalidPack(`meta.json names the key ${meta.key}, but its layers make ${expected}`);
  if (new Set(meta.layers.map((layer) => layer.name)).size !== meta.layers.length) {
    throw invalidPack('meta.json names two layers alike');
  }
  return { ...meta, key: expected };
}

/** @throws {@link SnapshotError} `pack_invalid` */
export function parsePackLock(text: string): PackLock {
  return parse(lockSchema, text, 'lock.json');
}

/** File name of a layer; the position keeps the order visible. */
export function layerFile(meta: Pick<PackMeta, 'layers'>, position: number): string {
  return `layers/${position}-${meta.layers[position]!.name}.tar.gz`;
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string, file: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidPack(`${file} is not JSON`, cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw invalidPack(`${file}: ${issue.path.join('.') || '(file)'} ${issue.message}`);
}

export function invalidPack(reason: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    'pack_invalid',
    `The pack cannot be used: ${reason}. Build it again, or download it again.`,
    {
      cause,
    },
  );
}
