import { z } from 'zod';
import type { Digest } from '../digest.js';
import { isSnapshotError, SnapshotError } from '../errors.js';
import { decodeSnapshot, type Snapshot } from '../store/snapshot-record.js';
import { refKey } from './tier.js';
import type { TieredObjects } from './tiered.js';

/** What moving a snapshot needs of a store. */
export interface ExchangeStore {
  snapshot(id: Digest): Snapshot;
  /** The record as it is stored; its digest is the id. */
  snapshotText(id: Digest): string;
  /** Every blob that a snapshot needs, with its length. */
  reach(id: Digest): Map<Digest, number>;
  hasBlob(digest: Digest): boolean;
  bundle(digests: readonly Digest[]): Buffer;
  importBundle(bytes: Buffer, source: string): Promise<void>;
  importSnapshot(id: Digest, text: string): Promise<Snapshot>;
}

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** What lies in the tiers for one snapshot: its record, and the bundles that hold its blobs. */
const manifestSchema = z.strictObject({
  format: z.literal(1),
  record: z.string(),
  bundles: z.array(
    z.strictObject({ digest: digestSchema, bytes: z.number().int().min(0), blobs: z.array(digestSchema) }),
  ),
});

type Manifest = z.output<typeof manifestSchema>;
type Bundle = Manifest['bundles'][number];

const bundleBytes = 4 * 1024 * 1024;

export interface PushResult {
  /** Bundles and bytes that were moved; what an ancestor's bundles hold stays where it is. */
  bundles: number;
  bytes: number;
  reusedBundles: number;
}

/**
 * Puts a snapshot into the tiers. Many small blobs travel in one bundle; what its parent's bundles hold already is not
 * moved again.
 *
 * @throws {@link SnapshotError} `snapshot_unknown`, `blob_missing`, `tier_failed`, `cancelled`
 */
export async function pushSnapshot(
  store: ExchangeStore,
  tiers: TieredObjects,
  id: Digest,
  options: { signal?: AbortSignal } = {},
): Promise<PushResult> {
  const reach = store.reach(id);
  const { parent } = store.snapshot(id);
  const reused = await reusableBundles(tiers, parent, reach, options.signal);
  const held = new Set(reused.flatMap((bundle) => bundle.blobs));
  const groups = groupBySize([...reach].filter(([digest]) => !held.has(digest)));
  const moved = await tiers.forEach(
    groups,
    async (digests): Promise<Bundle> => {
      const bytes = store.bundle(digests);
      const digest = await tiers.put(bytes, options);
      return { digest, bytes: bytes.length, blobs: digests };
    },
    options.signal,
  );
  const manifest: Manifest = { format: 1, record: store.snapshotText(id), bundles: [...reused, ...moved] };
  await tiers.putRef(refKey('snapshot', id), Buffer.from(JSON.stringify(manifest)), options);
  return {
    bundles: moved.length,
    bytes: moved.reduce((sum, bundle) => sum + bundle.bytes, 0),
    reusedBundles: reused.length,
  };
}

/** A bundle of the parent is worth keeping while at least half of its blobs are still needed. */
async function reusableBundles(
  tiers: TieredObjects,
  parent: Digest | undefined,
  reach: ReadonlyMap<Digest, number>,
  signal: AbortSignal | undefined,
): Promise<Bundle[]> {
  if (parent === undefined) return [];
  for await (const { manifest } of manifests(tiers, parent, signal)) {
    return manifest.bundles.filter(
      (bundle) => bundle.blobs.filter((blob) => reach.has(blob)).length * 2 >= bundle.blobs.length,
    );
  }
  return [];
}

function groupBySize(blobs: readonly [Digest, number][]): Digest[][] {
  const groups: Digest[][] = [];
  let room = 0;
  for (const [digest, bytes] of blobs) {
    if (groups.length === 0 || bytes > room) {
      groups.push([]);
      room = bundleBytes;
    }
    groups.at(-1)!.push(digest);
    room -= bytes;
  }
  return groups;
}

/**
 * Takes a snapshot from the tiers into the store; only bundles with missing blobs are moved. A tier whose manifest or
 * bundles are wrong is passed by.
 *
 * @throws {@link SnapshotError} `snapshot_unknown` when no tier has it, `blob_missing` when none has it whole, `cancelled`
 */
export async function pullSnapshot(
  store: ExchangeStore,
  tiers: TieredObjects,
  id: Digest,
  options: { signal?: AbortSignal } = {},
): Promise<Snapshot> {
  let failure: unknown;
  for await (const { manifest, tier } of manifests(tiers, id, options.signal)) {
    try {
      return await pullManifest(store, tiers, id, manifest, tier, options.signal);
    } catch (error) {
      if (!isSnapshotError(error) || error.code === 'cancelled' || error.code === 'disk_full') throw error;
      failure = error;
    }
  }
  throw (
    failure ??
    new SnapshotError(
      'snapshot_unknown',
      `No tier has snapshot ${id}. Push it from a store that has it, or capture again.`,
    )
  );
}

async function pullManifest(
  store: ExchangeStore,
  tiers: TieredObjects,
  id: Digest,
  manifest: Manifest,
  tier: string,
  signal: AbortSignal | undefined,
): Promise<Snapshot> {
  await tiers.forEach(
    manifest.bundles,
    async (bundle) => {
      if (bundle.blobs.every((digest) => store.hasBlob(digest))) return;
      const bytes = await tiers.get(bundle.digest, signal ? { signal } : {});
      if (!bytes) throw missingBundle(bundle.digest);
      await store.importBundle(bytes, `a bundle of tier ${tier}`);
    },
    signal,
  );
  return store.importSnapshot(id, manifest.record);
}

async function* manifests(
  tiers: TieredObjects,
  id: Digest,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ manifest: Manifest; tier: string }> {
  const parse = (bytes: Buffer): Manifest => {
    const manifest = manifestSchema.parse(JSON.parse(bytes.toString()));
    decodeSnapshot(id, manifest.record);
    return manifest;
  };
  const found = tiers.candidates(refKey('snapshot', id), {
    accept: (bytes) => void parse(bytes),
    ...(signal && { signal }),
  });
  for await (const { bytes, tier } of found) yield { manifest: parse(bytes), tier };
}

function missingBundle(digest: Digest): SnapshotError {
  return new SnapshotError(
    'blob_missing',
    `No tier has the bundle ${digest} any more. Push the snapshot again from a store that has it.`,
  );
}
