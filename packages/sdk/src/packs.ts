import {
  bundlePack,
  inspectPack,
  type LayerSource,
  type PackMeta,
  specialise,
  streamedLayers,
  WayTimes,
} from '@pilotlight/snapshots';
import { type ProviderSandbox, type RuntimePack, type RuntimeSpecialiser, WarmingError } from '@pilotlight/warming';
import { Sandbox } from 'e2b';
import type { ConnectionOptions } from './options.js';

/** Options of {@link packSpecialiser}. */
export interface PackSpecialiserOptions {
  /** The pack of each runtime, by the runtime's name. */
  packs: Readonly<Record<string, RuntimePackOptions>>;
  /** Where sandboxes run, as for the client. @default E2B's environment variables */
  connection?: ConnectionOptions;
}

/** A pack that stands for a part of a runtime's warm-up. */
export interface RuntimePackOptions {
  /** Made by `buildPack` or `npx pilotlight-pack build`. */
  directory: string;
  /** Names of the steps it stands for; also `packages-npm`, `packages-pip` and `files`. @default none: every step is run */
  provides?: readonly string[];
  /** Further ways to its layers, for example `volumeLayers`. @default they are streamed from `directory` */
  sources?: readonly LayerSource[];
}

interface Packed extends RuntimePack {
  readonly meta: PackMeta;
  readonly directory: string;
  readonly sources: readonly LayerSource[];
}

/**
 * Specialises generic sandboxes by linking packs.
 *
 * @throws SnapshotError `pack_invalid` when a directory holds no pack
 *
 * @example
 * ```ts
 * const specialiser = await packSpecialiser({ packs: { 'node-app': { directory: 'packs/node-app', provides: ['install'] } } });
 * const pilotlight = new Pilotlight({ runtimes: [nodeApp], warming: { specialiser, generic: { base: 2 } } });
 * ```
 */
export async function packSpecialiser({ packs, connection = {} }: PackSpecialiserOptions): Promise<RuntimeSpecialiser> {
  const known = new Map<string, Packed>();
  for (const [runtime, { directory, provides = [], sources = [] }] of Object.entries(packs)) {
    const { meta, bytes } = await inspectPack(directory);
    const all = [...sources, streamedLayers(directory)];
    known.set(runtime, { key: meta.key, mebibytes: bytes / 2 ** 20, provides, meta, directory, sources: all });
  }
  return new PackSpecialiser(known, connection);
}

class PackSpecialiser implements RuntimeSpecialiser {
  readonly #packs: ReadonlyMap<string, Packed>;
  readonly #connection: ConnectionOptions;
  readonly #times = new WayTimes();

  constructor(packs: ReadonlyMap<string, Packed>, connection: ConnectionOptions) {
    this.#packs = packs;
    this.#connection = connection;
  }

  packOf(runtime: string): RuntimePack | undefined {
    return this.#packs.get(runtime);
  }

  async bundle(runtimes: readonly string[], sandbox: ProviderSandbox, options: { signal: AbortSignal }): Promise<void> {
    const inside = this.#inside(sandbox);
    for (const runtime of runtimes) {
      const { meta, directory } = this.#pack(runtime);
      await bundlePack(inside, meta, streamedLayers(directory), options);
    }
  }

  async link(
    runtime: string,
    sandbox: ProviderSandbox,
    options: { signal: AbortSignal },
  ): Promise<'bundled' | 'fetched'> {
    const { meta, sources } = this.#pack(runtime);
    const done = await specialise(this.#inside(sandbox), meta, { ...options, sources, times: this.#times });
    return done.layersFetched === 0 ? 'bundled' : 'fetched';
  }

  #pack(runtime: string): Packed {
    const pack = this.#packs.get(runtime);
    if (pack) return pack;
    throw new WarmingError('unknown_runtime', `Runtime "${runtime}" has no pack. Give it to "packs".`);
  }

  #inside({ connection }: ProviderSandbox): Sandbox {
    const { sandboxId, envdVersion, sandboxDomain, envdAccessToken, trafficAccessToken } = connection;
    return new Sandbox({
      ...this.#connection,
      sandboxId,
      envdVersion,
      ...(sandboxDomain === undefined ? {} : { sandboxDomain }),
      ...(envdAccessToken === undefined ? {} : { envdAccessToken }),
      ...(trafficAccessToken === undefined ? {} : { trafficAccessToken }),
    });
  }
}
