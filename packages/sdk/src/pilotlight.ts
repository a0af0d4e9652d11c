import {
  type Claim,
  type ClaimAnswer,
  type ClaimRequest,
  defineRuntime,
  type MemoryInjection,
  RuntimeWarmingManager,
} from '@pilotlight/warming';
import { e2bProvider } from '@pilotlight/warming/e2b';
import { Sandbox } from 'e2b';
import { type ConnectionOptions, checkOptions, type PilotlightOptions, type SandboxRequest } from './options.js';
import { type PilotlightSessionOptions, sessionOf } from './session/pilotlight-session.js';
import type { AgentSession } from './session/session.js';
