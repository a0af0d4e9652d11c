export { type CompareOptions, type Comparison, comparePolicies } from './compare.js';
export { buildFamily, FAMILIES, type Family, type FamilySettings } from './families.js';
export { coldAt, type FrontierPoint, idleFor, lowerHull } from './frontier.js';
export { type HistoryOptions, type HistoryReport, type PastClaim, replayHistory } from './history.js';
export { PreparedLog } from './log.js';
export { type FrontierSeries, frontierSvg } from './plot.js';
export type { Prepared } from './pool.js';
export { type ReplayOptions, type ReplayReport, replay } from './replay.js';
export {
  GENERIC_KEY,
  type Outcome,
  type PreparedListener,
  type ReplayResult,
  Simulator,
  type SimulatorOptions,
} from './simulator.js';
export { type Arrival, readTrace } from './trace.js';
