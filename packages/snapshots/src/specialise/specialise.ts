import { type Clock, systemClock } from '../clock.js';
import { type Digest, isDigest } from '../digest.js';
import { IntegrityError, SnapshotError } from '../errors.js';
import { layerFile, type PackLayer, type PackMeta } from '../packs/pack-format.js';
import { quote, runScript, type SandboxAccess, type WorkspaceSandbox } from '../workspace/sandbox.js';
import {
  defaultBundleDirectory,
  layerMark,
  linkScript,
  missingLayersExit,
  occupiedExit,
  unpackScript,
  volumeFile,
  wrongDigestExit,
} from './places.js';
import type { LayerSource, WayTimes } from './ways.js';

export interface SpecialiseOptions extends SandboxAccess {
  /** Where bundled layers lie in the sandbox. @default '/home/user/.pilotlight' */
  bundleDirectory?: string;
  /** Ways to get layers that are not bundled, see {@link volumeLayers} and {@link streamedLayers}. @default none */
  sources?: readonly LayerSource[];
  /** What the ways took before; the fastest one by these is tried first. @default the order of `sources` */
  times?: WayTimes;
  /** @default the clock of this machine */
  clock?: Clock;
}

export interface Specialised {
  key: PackMeta['key'];
  /** How the layers came: `bundled` when all were there, else the ways that were used. */
  ways: readonly ('bundled' | LayerSource['way'])[];
  layersFetched: number;
  bytesFetched: number;
}

/**
 * Makes a generic sandbox one of this pack. Layers that lie in the template are linked, one command whatever their size;
 * the others come from a volume or are streamed in. What was specialised belongs to its claim: it is never undone.
 *
 * @throws {@link SnapshotError} `blob_missing` when a layer can be had in no way, `target_not_empty` when something else
 * lies in a layer's place, `sandbox_failed`
 * @throws {@link IntegrityError} when a layer is not the one that the pack names
 */
export async function specialise(
  sandbox: WorkspaceSandbox,
  meta: PackMeta,
  options: SpecialiseOptions = {},
): Promise<Specialised> {
  const bundle = options.bundleDirectory ?? defaultBundleDirectory;
  const missing = await link(sandbox, meta, bundle, options);
  if (missing.length === 0) return { key: meta.key, ways: ['bundled'], layersFetched: 0, bytesFetched: 0 };
  const layers = meta.layers.filter((layer) => missing.includes(layer.digest));
  const ways = await fetchLayers(sandbox, meta, layers, bundle, options);
  const still = await link(sandbox, meta, bundle, options);
  if (still.length > 0) {
    throw new SnapshotError(
      'sandbox_failed',
      `Layers ${still.join(', ')} were unpacked but are not there. Use another sandbox.`,
    );
  }
  return {
    key: meta.key,
    ways: [...new Set(ways)],
    layersFetched: layers.length,
    bytesFetched: layers.reduce((sum, layer) => sum + layer.fileBytes, 0),
  };
}

/** Puts a pack's layers into a sandbox without linking them, so that its snapshot is a generic template with the pack. */
export async function bundlePack(
  sandbox: WorkspaceSandbox,
  meta: PackMeta,
  source: LayerSource,
  options: Omit<SpecialiseOptions, 'sources' | 'times'> = {},
): Promise<void> {
  await fetchLayers(sandbox, meta, meta.layers, options.bundleDirectory ?? defaultBundleDirectory, {
    ...options,
    sources: [source],
  });
}

/** @returns digests of layers that are not in the sandbox; none of the others is in place then */
async function link(
  sandbox: WorkspaceSandbox,
  meta: PackMeta,
  bundle: string,
  access: SandboxAccess,
): Promise<Digest[]> {
  const { exitCode, stdout, stderr } = await runScript(sandbox, linkScript(meta, bundle), access);
  if (exitCode === 0) return [];
  if (exitCode === missingLayersExit) return stdout.split('\n').filter(isDigest);
  const reason = stderr.trim().slice(-300);
  if (exitCode === occupiedExit) {
    throw new SnapshotError(
      'target_not_empty',
      `The pack could not be put in its place: ${reason}. Use a generic sandbox.`,
    );
  }
  throw new SnapshotError(
    'sandbox_failed',
    `Linking a pack failed with exit code ${exitCode}: ${reason}. Use another sandbox.`,
  );
}

async function fetchLayers(
  sandbox: WorkspaceSandbox,
  meta: PackMeta,
  layers: readonly PackLayer[],
  bundle: string,
  options: SpecialiseOptions,
): Promise<LayerSource['way'][]> {
  const clock = options.clock ?? systemClock;
  const sources = options.times?.order(options.sources ?? []) ?? options.sources ?? [];
  const used: LayerSource['way'][] = [];
  for (const layer of layers) {
    let failure: unknown;
    let done = false;
    for (const source of sources) {
      const startedAtMs = clock.nowMs();
      try {
        done = await source.fetch({ sandbox, meta, layer, bundle, access: options });
      } catch (error) {
        failure ??= error;
        continue;
      }
      if (!done) continue;
      options.times?.record(source.way, layer.fileBytes, clock.nowMs() - startedAtMs);
      used.push(source.way);
      break;
    }
    if (!done) throw failure ?? unreachable(layer);
  }
  return used;
}

function unreachable(layer: PackLayer): SnapshotError {
  return new SnapshotError(
    'blob_missing',
    `Layer ${layer.name} (${layer.digest}) is neither bundled in the sandbox nor can it be fetched. Give a source that has it.`,
  );
}

/**
 * Layers as single image files on an E2B volume that is mounted in the sandbox: read once from start to end, never as
 * small files over the network.
 */
export function volumeLayers(mountPath: string): LayerSource {
  return {
    way: 'volume',
    fetch: async ({ sandbox, layer, bundle, access }) => {
      const file = `${mountPath.replace(/\/+$/, '')}/${volumeFile(layer.digest)}`;
      const copy = `${bundle}/${layer.digest}.copy`;
      // The volume is read once, from start to end; hashing and unpacking read the copy.
      const script = [
        `[ -f ${quote(file)} ] || exit ${missingLayersExit}`,
        `mkdir -p ${quote(bundle)} && trap ${quote(`rm -f ${quote(copy)}`)} EXIT && cat ${quote(file)} > ${quote(copy)} || exit 1`,
        unpackScript({ ...layer, bundle, file: copy, origin: 'found' }),
      ].join('\n');
      const { exitCode, stderr } = await runScript(sandbox, script, access);
      if (exitCode === missingLayersExit) return false;
      if (exitCode === wrongDigestExit) throw new IntegrityError(layer.fileDigest, file, stderr.trim());
      if (exitCode !== 0) throw unpackFailed(layer, stderr);
      return true;
    },
  };
}

function unpackFailed(layer: PackLayer, stderr: string): SnapshotError {
  return new SnapshotError(
    'sandbox_failed',
    `Layer ${layer.name} could not be unpacked: ${stderr.trim().slice(-300)}. Check the sandbox's disk space.`,
  );
}

/** What a template builder has; `e2b`'s `Template()` fits. */
export interface PackTemplateBuilder<Builder> {
  copy(source: string, destination: string, options?: { user?: string }): Builder;
  runCmd(command: string | string[], options?: { user?: string }): Builder;
}

/**
 * Adds packs to a template, so that specialising a sandbox of it is a link. `directory` is the pack's path as the builder
 * finds it (relative to its file context).
 */
export function addPackToTemplate<Builder extends PackTemplateBuilder<Builder>>(
  template: Builder,
  pack: { meta: PackMeta; directory: string },
  options: { bundleDirectory?: string; user?: string } = {},
): Builder {
  const bundle = options.bundleDirectory ?? defaultBundleDirectory;
  const access = { user: options.user ?? 'user' };
  let builder = template;
  for (const [position, layer] of pack.meta.layers.entries()) {
    const file = `${bundle}/${volumeFile(layer.digest)}`;
    builder = builder.copy(`${pack.directory}/${layerFile(pack.meta, position)}`, file, access);
    const script = `[ -f ${quote(layerMark(bundle, layer.digest))} ] || (${unpackScript({ ...layer, bundle, file, origin: 'found' })}\n)`;
    builder = builder.runCmd(`sh -c ${quote(`${script}\nrm -f ${quote(file)}`)}`, access);
  }
  return builder;
}
