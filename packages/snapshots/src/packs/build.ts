import { createWriteStream, existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { z } from 'zod';
import { tap } from '../archive/tap.js';
import { directoryEntries, type EntryToWrite, writeArchive } from '../archive/write-archive.js';
import { createDigest, type Digest, digestOf } from '../digest.js';
import { fileSystemError, isSnapshotError, SnapshotError } from '../errors.js';
import { splitSafePath } from '../paths.js';
import type { ScrubReport, ScrubRules } from '../scrub/scrubber.js';
import { inspectPack } from './inspect.js';
import { type LockedDependencies, parseLockFile } from './lock-files.js';
import { layerFile, type PackKey, type PackLayer, type PackLock, type PackMeta, packKeyOf } from './pack-format.js';

/** One layer of a pack, lowest first. A change of one rebuilds it and those above it, and no other. */
export type LayerSpec =
  | {
      kind: 'directory';
      /** Lower-case; also the name of its file. */
      name: string;
      /** Directory on this machine. */
      source: string;
      /** Where it lies in the sandbox, for example `/home/user/app`. */
      target: string;
    }
  | {
      kind: 'dependencies';
      name: string;
      /** Lock file on this machine; what it fixes is the layer's key. */
      lockFile: string;
      target: string;
      /** Installs what the lock file fixes into an empty directory. Called only when the layer has to be built. */
      install: (work: { directory: string; lock: LockedDependencies }) => Promise<void>;
    };

export interface BuildPackOptions {
  name: string;
  layers: readonly LayerSpec[];
  /** Directory that becomes the pack; it is there whole or not at all. */
  output: string;
  /** An earlier pack whose unchanged layers are taken over. @default the pack that `output` holds, if any */
  previous?: string;
  /** What must not get into a pack. @default the built-in rules */
  scrub?: ScrubRules | false;
}

export interface BuiltPack {
  key: PackKey;
  meta: PackMeta;
  /** Names of the layers that were taken over. */
  reused: string[];
  scrubbed: ScrubReport[];
}

const optionsSchema = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'use lower-case letters, digits, ".", "_" and "-"'),
  layers: z.array(z.custom<LayerSpec>()).min(1, 'give at least one layer'),
  output: z.string().min(1),
});

/**
 * Freezes a runtime into a pack: `meta.json`, `lock.json` and one reproducible `tar.gz` per layer.
 *
 * @throws {@link SnapshotError} `invalid_option`, `lock_file_invalid`, `source_unreadable`, `disk_full`
 *
 * @example
 * ```ts
 * const pack = await buildPack({
 *   name: 'node-app',
 *   output: 'packs/node-app',
 *   layers: [
 *     { kind: 'dependencies', name: 'modules', lockFile: 'package-lock.json', target: '/home/user/app', install },
 *     { kind: 'directory', name: 'source', source: 'src', target: '/home/user/app/src' },
 *   ],
 * });
 * ```
 */
export async function buildPack(options: BuildPackOptions): Promise<BuiltPack> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new SnapshotError(
      'invalid_option',
      `Option "${issue.path.join('.')}" of the pack: ${issue.message}. Correct it.`,
    );
  }
  const output = resolve(options.output);
  const previous = await previousPack(options.previous ?? output);
  const staging = `${output}.${process.pid}.partial`;
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(join(staging, 'layers'), { recursive: true });
    const built = await buildLayers(options, staging, previous);
    await rm(output, { recursive: true, force: true });
    await rename(staging, output);
    return built;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw isSnapshotError(error) ? error : fileSystemError(error, `building the pack ${options.name}`);
  }
}

interface PreviousPack {
  directory: string;
  meta: PackMeta;
}

async function previousPack(directory: string): Promise<PreviousPack | undefined> {
  if (!existsSync(join(directory, 'meta.json'))) return undefined;
  return { directory, meta: (await inspectPack(directory)).meta };
}

async function buildLayers(
  options: BuildPackOptions,
  staging: string,
  previous: PreviousPack | undefined,
): Promise<BuiltPack> {
  const layers: PackLayer[] = [];
  const locks: PackLock['layers'] = [];
  const reused: string[] = [];
  const scrubbed: ScrubReport[] = [];
  let below: Digest = digestOf('');
  for (const [position, spec] of options.layers.entries()) {
    const target = splitSafePath(spec.target.replace(/^\/+/, '')).join('/');
    const source = await sourceOf(spec);
    const inputsOf = (content: Digest) => digestOf(JSON.stringify([below, spec.name, spec.kind, target, content]));
    const earlier = previous?.meta.layers.findIndex((layer) => layer.name === spec.name) ?? -1;
    // A directory is hashed before it is packed only when there is something that it could be the same as.
    const expected = earlier < 0 ? undefined : inputsOf(await source.content(target, options.scrub));
    const file = layerFile({ layers: [...layers, { name: spec.name } as PackLayer] }, position);
    let inputs: Digest;
    if (previous && expected !== undefined && previous.meta.layers[earlier]!.inputs === expected) {
      await copyFile(join(previous.directory, layerFile(previous.meta, earlier)), join(staging, file));
      layers.push(previous.meta.layers[earlier]!);
      reused.push(spec.name);
      inputs = expected;
    } else {
      const made = await source.withDirectory((directory) =>
        writeLayer(directoryEntries(directory, target, options.scrub, scrubbed), join(staging, file)),
      );
      inputs = inputsOf(source.lock?.digest ?? made.digest);
      layers.push({ name: spec.name, kind: spec.kind, target, ...made, inputs });
    }
    if (source.lock) locks.push({ name: spec.name, ...source.lock });
    below = inputs;
  }
  const meta: PackMeta = {
    format: 'runtime-pack:v1',
    key: packKeyOf(layers.map((layer) => layer.digest)),
    name: options.name,
    layers,
  };
  const lock: PackLock = { format: 'runtime-pack:v1', layers: locks };
  await writeFile(join(staging, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`);
  await writeFile(join(staging, 'lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
  return { key: meta.key, meta, reused, scrubbed };
}

interface LayerSource {
  lock: LockedDependencies | undefined;
  /** Digest of what the layer is made from: the lock file's, or that of the directory's tar. */
  content(target: string, scrub: ScrubRules | false | undefined): Promise<Digest>;
  withDirectory<Value>(use: (directory: string) => Promise<Value>): Promise<Value>;
}

async function sourceOf(spec: LayerSpec): Promise<LayerSource> {
  if (spec.kind === 'directory') {
    const { source } = spec;
    return {
      lock: undefined,
      content: (target, scrub) => archiveDigest(source, target, scrub),
      withDirectory: (use) => use(source),
    };
  }
  const text = await readFile(spec.lockFile, 'utf8').catch((cause: unknown) => {
    throw new SnapshotError('source_unreadable', `The lock file ${spec.lockFile} cannot be read. Check the path.`, {
      cause,
    });
  });
  const lock = parseLockFile(spec.lockFile, text);
  return {
    lock,
    content: async () => lock.digest,
    withDirectory: async (use) => {
      const directory = await mkdtemp(join(tmpdir(), 'pilotlight-layer-'));
      try {
        await spec.install({ directory, lock });
        return await use(directory);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

async function archiveDigest(source: string, target: string, scrub: ScrubRules | false | undefined): Promise<Digest> {
  const digest = createDigest();
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      digest.update(chunk);
      done();
    },
  });
  await pipeline(writeArchive(directoryEntries(source, target, scrub, [])), sink);
  return digest.hex();
}

type MadeLayer = Pick<PackLayer, 'digest' | 'bytes' | 'fileDigest' | 'fileBytes' | 'entries'>;

async function writeLayer(entries: AsyncIterable<EntryToWrite>, path: string): Promise<MadeLayer> {
  const tarDigest = createDigest();
  const fileDigest = createDigest();
  const made = { bytes: 0, entries: 0 };
  const counted = async function* () {
    for await (const entry of entries) {
      made.entries += 1;
      yield entry;
    }
  };
  await mkdir(dirname(path), { recursive: true });
  await pipeline(
    writeArchive(counted()),
    tap((chunk) => {
      tarDigest.update(chunk);
      made.bytes += chunk.length;
    }),
    createGzip({ level: 6 }),
    tap((chunk) => fileDigest.update(chunk)),
    createWriteStream(path),
  );
  const { size } = await stat(path);
  return { digest: tarDigest.hex(), fileDigest: fileDigest.hex(), fileBytes: size, ...made };
}
