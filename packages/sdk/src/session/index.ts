export type { SessionCommand, SessionConfig, SessionCredential, SessionServer, SettledConfig } from './config.js';
export type { ConfigAssembler } from './config-cache.js';
export { isSessionError, SessionError, type SessionErrorCode } from './errors.js';
export type { FirstToken, SessionEvents } from './events.js';
export type { MessageHandlers, ModelRequest, SessionReply } from './reply.js';
export { AgentSession, type SessionOptions, type SessionParts } from './session.js';
