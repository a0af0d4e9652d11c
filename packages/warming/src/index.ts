export type {
  Claim,
  ClaimAnswer,
  ClaimPriority,
  ClaimRequest,
  ClaimSource,
  HotAnswer,
  MemoryInjection,
  MissReason,
  WarmingAnswer,
  WarmingEta,
  WarmingPhase,
  WarmingProgress,
} from './claim.js';
export { type Clock, systemClock } from './clock.js';
export { type DetectedRuntime, type DetectRequest, detectRuntime } from './detect/detect.js';
export type { Language } from './detect/rules.js';
export {
  InvalidSpecError,
  isWarmingError,
  QuotaError,
  type SpecIssue,
  WarmingError,
  type WarmingErrorCode,
  WarmUpError,
} from './errors.js';
export type { WarmingEvents } from './events.js';
export type { Intent, IntentOptions } from './intent/desk.js';
export type {
  CreateRate,
  Ledger,
  LedgerEpoch,
  LedgerNotice,
  ReserveLimits,
  ReserveResult,
  TakeRequest,
  TakeResult,
} from './ledger/ledger.js';
export { MemoryLedger } from './ledger/memory.js';
export type {
  ClaimRecord,
  RetireReason,
  SlotPlace,
  SlotPurpose,
  SlotRecord,
  SlotState,
  SnapshotLink,
} from './ledger/record.js';
export { type CloseOptions, type ManagerStats, type PoolSummary, RuntimeWarmingManager } from './manager.js';
export type { BudgetOptions, PriceOptions, RuntimeWarmingManagerOptions } from './options.js';
export type { SnapshotLinkStore } from './pool/links.js';
export {
  type CreateRequest,
  ProviderError,
  type ProviderFailure,
  type ProviderSandbox,
  type ProviderSandboxInfo,
  type ProviderSnapshotInfo,
  type RunOptions,
  type RunResult,
  type SandboxConnection,
  type SandboxFile,
  type SandboxProvider,
} from './provider.js';
export {
  defineRuntime,
  type PoolSettings,
  type ReadyProbe,
  type Runtime,
  type RuntimeSpec,
  type WarmUpStep,
} from './runtime.js';

export { specKeyOf } from './spec-key.js';
export { type BundleCandidate, type BundleDecision, chooseBundles } from './specialise/bundle.js';
export type { RuntimePack, RuntimeSpecialiser } from './specialise/specialiser.js';
export type { LatencyStats, PoolStats } from './stats/book.js';

export type {
  ClaimObserved,
  Decision,
  Explanation,
  HintObserved,
  HintWithdrawn,
  IdleObserved,
  LeadObserved,
  Observation,
  RuntimeObserved,
  RuntimeTarget,
  TargetPolicy,
  TierLeads,
} from './target/target.js';
