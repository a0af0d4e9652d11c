export {
  type Claim,
  type ClaimAnswer,
  defineRuntime,
  type HotAnswer,
  InvalidSpecError,
  isWarmingError,
  QuotaError,
  type Runtime,
  type RuntimeSpec,
  type WarmingAnswer,
  WarmingError,
  type WarmingEvents,
  type WarmingProgress,
  WarmUpError,
} from '@pilotlight/warming';
export type { ConnectionOptions, MemorySource, PilotlightOptions, SandboxRequest } from './options.js';
export { Pilotlight } from './pilotlight.js';
export {
  AgentSession,
  type ConfigAssembler,
  type FirstToken,
  isSessionError,
  type MessageHandlers,
  type ModelRequest,
  type SessionCommand,
  type SessionConfig,
  type SessionCredential,
  SessionError,
  type SessionErrorCode,
  type SessionEvents,
  type SessionOptions,
  type SessionParts,
  type SessionReply,
  type SessionServer,
  type SettledConfig,
} from './session/index.js';
export type { PilotlightSessionOptions } from './session/pilotlight-session.js';
export { type WarmPowers, WarmSandbox, type WarmSandboxClass, withWarming } from './warm-sandbox.js';
export type { PoolLevels, WarmingManager } from './warming-manager.js';
