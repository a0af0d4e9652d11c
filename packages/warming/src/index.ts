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
export {
  type CreateRequest,
  ProviderError,
  type ProviderFailure,
  type ProviderSandbox,
  type ProviderSandboxInfo,
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
