import { ForecastPolicy } from '../forecast/forecast.js';
import type { TargetPolicy } from '../target/target.js';
import { PreparedLog } from './log.js';
import { type ReplayResult, Simulator } from './simulator.js';
import type { Arrival } from './trace.js';

/** What to replay, and how. */
export interface ReplayOptions {
  arrivals: Iterable<Arrival> | AsyncIterable<Arrival>;
  policy: TargetPolicy;
  leadSeconds: number;
  /** Write every prepared sandbox there. */
  logFile?: string;
}

/** What came out of a replay. */
export interface ReplayReport extends ReplayResult {
  policy: string;
  coldShare: number;
  specialisedShare: number;
  idleSecondsPerClaim: number;
  /** Cold share of the key that three in four keys are better than. */
  keyColdShareP75: number;
  /** Without what all units share, which is in `stateBytesShared`. */
  stateBytesPerUnit: number;
  stateBytesShared: number;
  expectedCalibrationError?: number;
  brierSkill?: number;
}

const DRAIN_EVERY = 2_048;

/** Replays arrivals, in order, through a policy. Strictly causal: each is decided on before the next is read. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const log = options.logFile === undefined ? undefined : new PreparedLog(options.logFile);
  const simulator = new Simulator({
    policy: options.policy,
    leadSeconds: options.leadSeconds,
    ...(log ? { onPrepared: log.note } : {}),
  });
  let count = 0;
  for await (const arrival of options.arrivals) {
    simulator.arrive(arrival);
    if (++count % DRAIN_EVERY === 0) await log?.drain();
  }
  const result = simulator.finish();
  await log?.close();
  return summarise(result, simulator, options.policy);
}

function summarise(result: ReplayResult, simulator: Simulator, policy: TargetPolicy): ReplayReport {
  const claims = Math.max(1, result.arrivals);
  const shares = simulator
    .coldShares()
    .map((key) => key.coldShare)
    .sort((a, b) => a - b);
  const size = policy.size();
  const report: ReplayReport = {
    ...result,
    policy: policy.name,
    coldShare: result.cold / claims,
    specialisedShare: result.specialised / claims,
    idleSecondsPerClaim: result.idleSeconds / claims,
    keyColdShareP75: shares[Math.min(shares.length - 1, Math.floor(shares.length * 0.75))] ?? 0,
    stateBytesPerUnit: size.units > 0 ? (size.bytes - (size.sharedBytes ?? 0)) / size.units : 0,
    stateBytesShared: size.sharedBytes ?? 0,
  };
  if (!(policy instanceof ForecastPolicy)) return report;
  const { expectedCalibrationError, brierSkill } = policy.calibration();
  return { ...report, expectedCalibrationError, brierSkill };
}
