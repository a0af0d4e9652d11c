export { createDiskTier, type DiskTierOptions } from './adapters/disk-tier.js';
export { createHttpTier, type HttpTierOptions } from './adapters/http-tier.js';
export { createMemoryTier, type MemoryTierOptions } from './adapters/memory-tier.js';
export type { ArchiveLimits } from './archive/read-archive.js';
export { type Clock, systemClock } from './clock.js';
export { type Digest, digestOf, isDigest } from './digest.js';
export {
  IntegrityError,
  isSnapshotError,
  SnapshotError,
  type SnapshotErrorCode,
  UnsafePathError,
} from './errors.js';
export { type KeptLink, type SnapshotLink, SnapshotLinks, type SnapshotLinksOptions } from './links/link-store.js';
export { type BuildPackOptions, type BuiltPack, buildPack, type LayerSpec } from './packs/build.js';
export { diffPacks, type PackDiff } from './packs/diff.js';
export { type InspectedPack, inspectPack } from './packs/inspect.js';
export { type LockedDependencies, type LockedPackage, type PackageManager, parseLockFile } from './packs/lock-files.js';
export { isPackKey, type PackKey, type PackLayer, type PackLock, type PackMeta } from './packs/pack-format.js';
export { type VerifiedPack, verifyPack } from './packs/verify.js';
export type { EntryName } from './paths.js';
export { defaultScrubRules, type RedactRule, type ScrubReport, type ScrubRules } from './scrub/scrubber.js';
export {
  addPackToTemplate,
  bundlePack,
  type PackTemplateBuilder,
  type Specialised,
  type SpecialiseOptions,
  specialise,
  volumeLayers,
} from './specialise/specialise.js';
export { streamedLayers } from './specialise/streamed-layers.js';
export { type LayerSource, WayTimes } from './specialise/ways.js';
export type { CaptureOptions, CaptureResult } from './store/capture.js';
export type { CollectOptions, CollectReport } from './store/collect.js';
export type { OwnerView } from './store/owner-view.js';
export type { RestoreOptions, RestoreResult } from './store/restore.js';
export type { SkippedEntry } from './store/scan.js';
export type { Snapshot } from './store/snapshot-record.js';
export { openStore, type Store, type StoreOptions } from './store/store.js';
export type { TreeEntry } from './store/tree.js';
export type { VerifyReport } from './store/verify.js';
export { pullPack, pushPack } from './tiers/pack-sync.js';
export { type PushResult, pullSnapshot, pushSnapshot } from './tiers/snapshot-sync.js';
export { isTierKey, objectKey, refKey, type Tier, type TierKey } from './tiers/tier.js';
export { type TieredOptions, type TierProblem, type TierUse, tierLevels } from './tiers/tier-options.js';
export { TieredObjects } from './tiers/tiered.js';
export {
  type CapturedWorkspace,
  type CaptureWorkspaceOptions,
  captureWorkspace,
} from './workspace/capture-workspace.js';
export { cloneWorkspace } from './workspace/clone-workspace.js';
export {
  type RestoredWorkspace,
  type RestoreWorkspaceOptions,
  restoreWorkspace,
} from './workspace/restore-workspace.js';
export type { SandboxAccess, WorkspaceSandbox } from './workspace/sandbox.js';
export { scrubSandbox } from './workspace/scrub-sandbox.js';
