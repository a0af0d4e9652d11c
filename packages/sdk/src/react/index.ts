export { useWarmManager, type WarmManager, WarmProvider } from './context.js';
export { type IntentHookOptions, type IntentProps, useIntent } from './use-intent.js';
export { useWarmSandbox, type WarmSandboxOptions, type WarmSandboxState } from './use-warm-sandbox.js';
export { useWarmingProgress } from './use-warming-progress.js';
