export { createMemory } from './adapters/create.js';
export { type EmbeddedOptions, embeddedStore } from './adapters/embedded-store.js';
export { systemClock, systemRandomness } from './adapters/system-clock.js';
export type { Clock, Randomness } from './clock.js';
export type { ContextFailure, ContextItem, ContextOptions, ContextStatus, MemoryContext } from './context/context.js';
export { type ContextInjection, type InjectionOptions, injectionOf } from './context/injection.js';
export type { MemoryPrompt } from './context/prompt.js';
export { isMemoryError, MemoryError, type MemoryErrorCode, type MemoryErrorDetails } from './errors.js';
export { Memory, type MemoryParts, type ScopedCall } from './memory.js';
export type { MemoryOptions } from './options.js';
export type {
  MemorySource,
  SourceAdd,
  SourceCall,
  SourceList,
  SourceSearch,
  SourceUpdate,
} from './source.js';
export { type Redactor, redactSecrets } from './text/redact.js';
export { sanitizeText } from './text/sanitize.js';
export { estimateTokens, type TokenCounter } from './text/tokens.js';
export type {
  AddOptions,
  AddResult,
  CallOptions,
  GetAllOptions,
  MemoryEvent,
  MemoryHistoryEntry,
  MemoryItem,
  MemoryMessage,
  MemoryPage,
  MemoryScope,
  SearchOptions,
  UpdateOptions,
  WaitOptions,
} from './types.js';
