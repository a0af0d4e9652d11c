export { type Clock, systemClock } from './clock.js';
export { type Digest, digestOf, isDigest } from './digest.js';
export {
  IntegrityError,
  isSnapshotError,
  SnapshotError,
  type SnapshotErrorCode,
  UnsafePathError,
} from './errors.js';
export type { EntryName } from './paths.js';
export { defaultScrubRules, type RedactRule, type ScrubReport, type ScrubRules } from './scrub/scrubber.js';
export type { CaptureOptions, CaptureResult } from './store/capture.js';
export type { CollectOptions, CollectReport } from './store/collect.js';
export type { OwnerView } from './store/owner-view.js';
export type { RestoreOptions, RestoreResult } from './store/restore.js';
export type { SkippedEntry } from './store/scan.js';
export type { Snapshot } from './store/snapshot-record.js';
export { openStore, type Store, type StoreOptions } from './store/store.js';
export type { TreeEntry } from './store/tree.js';
export type { VerifyReport } from './store/verify.js';
