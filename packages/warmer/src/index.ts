export { type ConfigSources, loadConfig } from './config/load.js';
export { configSchema, type WarmerConfig, type WarmerConfigInput } from './config/schema.js';
export { isWarmerError, WarmerError } from './errors.js';
export { type StartOptions, startWarmer, type Warmer } from './warmer.js';
