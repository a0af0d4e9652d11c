import { inspectPack } from './inspect.js';
import type { LockedPackage } from './lock-files.js';
import type { PackKey, PackLayer } from './pack-format.js';

export interface PackDiff {
  same: boolean;
  from: PackKey;
  to: PackKey;
  /** Layers by name, in the order of the newer pack, removed ones last. */
  layers: { name: string; change: 'same' | 'changed' | 'added' | 'removed'; bytesBefore: number; bytesAfter: number }[];
  /** Packages of all dependency layers. */
  packages: { name: string; before: string | undefined; after: string | undefined }[];
  /** Bytes that somebody who has the older pack has to move. */
  bytesToMove: number;
}

/** What changed between two packs. @throws SnapshotError `pack_invalid` */
export async function diffPacks(fromDirectory: string, toDirectory: string): Promise<PackDiff> {
  const [from, to] = await Promise.all([inspectPack(fromDirectory), inspectPack(toDirectory)]);
  const held = new Set(from.meta.layers.map((layer) => layer.digest));
  return {
    same: from.meta.key === to.meta.key,
    from: from.meta.key,
    to: to.meta.key,
    layers: diffLayers(from.meta.layers, to.meta.layers),
    packages: diffPackages(
      from.lock.layers.flatMap((layer) => layer.packages),
      to.lock.layers.flatMap((layer) => layer.packages),
    ),
    bytesToMove: to.meta.layers
      .filter((layer) => !held.has(layer.digest))
      .reduce((sum, layer) => sum + layer.fileBytes, 0),
  };
}

function diffLayers(before: readonly PackLayer[], after: readonly PackLayer[]): PackDiff['layers'] {
  const old = new Map(before.map((layer) => [layer.name, layer]));
  const kept = after.map((layer) => {
    const known = old.get(layer.name);
    old.delete(layer.name);
    const change = !known
      ? ('added' as const)
      : known.digest === layer.digest
        ? ('same' as const)
        : ('changed' as const);
    return { name: layer.name, change, bytesBefore: known?.bytes ?? 0, bytesAfter: layer.bytes };
  });
  const removed = [...old.values()].map((layer) => ({
    name: layer.name,
    change: 'removed' as const,
    bytesBefore: layer.bytes,
    bytesAfter: 0,
  }));
  return [...kept, ...removed];
}

function diffPackages(before: readonly LockedPackage[], after: readonly LockedPackage[]): PackDiff['packages'] {
  const versions = (list: readonly LockedPackage[]) => {
    const byName = new Map<string, string[]>();
    for (const { name, version } of list) byName.set(name, [...(byName.get(name) ?? []), version].sort());
    return byName;
  };
  const old = versions(before);
  const young = versions(after);
  return [...new Set([...old.keys(), ...young.keys()])]
    .sort()
    .map((name) => ({ name, before: old.get(name)?.join(', '), after: young.get(name)?.join(', ') }))
    .filter((change) => change.before !== change.after);
}
