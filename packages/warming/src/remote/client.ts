/**
 * What a client of the warmer service needs when it runs: no schema, no engine and nothing of Node, so that it fits into a
 * page or an edge function.
 */
export { systemClock } from '../clock.js';
export {
  InvalidSpecError,
  isWarmingError,
  QuotaError,
  WarmingError,
  WarmUpError,
} from '../errors.js';
export { ArrivingMemory } from '../personalise/arriving-memory.js';
export { wireBearerPrefix, wireSubprotocol } from './wire-names.js';
