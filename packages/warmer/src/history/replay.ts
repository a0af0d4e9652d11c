import { type HistoryReport, replayHistory } from '@pilotlight/warming/replay';
import type { WarmerConfig } from '../config/schema.js';
import { WarmerError } from '../errors.js';
import { sandboxCost } from '../operation/cost.js';
import type { ClaimHistory, PastClaim } from './history.js';

export interface ReplayRequest {
  fromMs: number;
  /** How long a sandbox takes to be hot. @default the median of those that had to be made, else 15 s */
  leadSeconds?: number | undefined;
  prices: WarmerConfig['prices'];
}

/** What a policy would have done with the claims of a time. */
export interface ReplayRow {
  policy: string;
  /** What an avoided cold start is worth, in idle sandbox-seconds. */
  priceSeconds: number;
  hitShare: number;
  idleSecondsPerClaim: number;
  idleDollars: number;
}

export interface ReplayAnswer {
  claims: number;
  runtimes: number;
  /** What really happened: share of the claims that were handed a hot sandbox. */
  hotShare: number;
  leadSeconds: number;
  rows: ReplayRow[];
  report: HistoryReport;
}

const usualLeadSeconds = 15;

/**
 * What the claims since a time would have cost and hit under each policy.
 *
 * @throws {@link WarmerError} `not_found` when there are none
 */
export async function replayClaims(history: ClaimHistory, request: ReplayRequest): Promise<ReplayAnswer> {
  const past: PastClaim[] = [];
  for await (const claim of history.read(request.fromMs)) past.push(claim);
  if (past.length === 0) {
    throw new WarmerError('not_found', 'No claim of that time is kept. Ask for more --days, or raise "history.days".');
  }
  const leadSeconds = request.leadSeconds ?? leadOf(past);
  const report = await replayHistory({
    claims: past.map(({ atMs, pool }) => ({ atMs, runtime: pool })),
    leadSeconds,
    title: `${past.length} claims: hits by what they cost`,
  });
  return {
    claims: past.length,
    runtimes: new Set(past.map(({ pool }) => pool)).size,
    hotShare: past.filter(({ source }) => source === 'hot' || source === 'affinity').length / past.length,
    leadSeconds,
    rows: report.rows.map((row) => ({
      policy: row.policy,
      priceSeconds: row.valueSeconds,
      hitShare: 1 - row.coldShare,
      idleSecondsPerClaim: row.idleSecondsPerClaim,
      idleDollars: sandboxCost(request.prices, row.idleSeconds * 1_000),
    })),
    report,
  };
}

function leadOf(past: readonly PastClaim[]): number {
  const made = past
    .flatMap(({ source, waitedMs }) => ((source === 'cold' || source === 'linked') && waitedMs ? [waitedMs] : []))
    .sort((first, second) => first - second);
  const median = made[Math.floor(made.length / 2)];
  return median === undefined ? usualLeadSeconds : median / 1_000;
}
