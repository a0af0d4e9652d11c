export { isLocalHostError, LocalHostError, type LocalHostErrorCode } from './errors.js';
export type { FaultControls, FaultReport } from './faults/fault-gate.js';
export type { FaultOptions, FaultRule, FaultRuleInput, LatencyInput, LimitsInput } from './faults/fault-options.js';
export { type ConnectionOptions, type LocalHost, startLocalHost } from './host.js';
export type { IsolationLevel } from './isolation/machine.js';
export type { UserIds } from './isolation/open.js';
export type { LocalHostOptions } from './options.js';
