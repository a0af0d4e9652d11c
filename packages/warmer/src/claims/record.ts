import type {
  Claim,
  ClaimAnswer,
  ClaimRequest,
  ClaimSource,
  MemoryInjection,
  MissReason,
  SandboxConnection,
  WarmingEta,
  WarmingPhase,
  WarmingProgress,
} from '@pilotlight/warming';
import type { WireClaim, WireClaimSummary, WireError } from '@pilotlight/warming/wire';

export type ClaimStatus =
  | {
      state: 'WARMING';
      progress: number;
      phase: WarmingPhase;
      step?: string | undefined;
      eta: WarmingEta;
      elapsedMs: number;
      reason: MissReason;
    }
  | {
      state: 'HOT';
      source: ClaimSource;
      latencyMs: number;
      expiresAtMs: number;
      acked: boolean;
      /** Secret: sealed wherever it is stored. */
      connection: SandboxConnection;
    }
  | { state: 'FAILED'; error: WireError; progress: number; elapsedMs: number }
  | { state: 'CANCELLED'; progress: number; elapsedMs: number }
  | { state: 'RETIRED' };

/** What the engine is asked with, beside key and owner. It may hold a user's data: sealed wherever it is stored. */
export type ClaimDetails = Pick<ClaimRequest, 'affinity' | 'files' | 'priority' | 'lifeMs'> & {
  memory?: MemoryInjection;
};

/** What the service knows of one claim. */
export interface ClaimRecord {
  /** The service's own: it stays the same when another replica goes on with the claim. */
  readonly claimId: string;
  readonly tenant: string;
  /** As the tenant calls it. */
  readonly runtime: string;
  /** As the engine calls it. */
  readonly pool: string;
  readonly key: string;
  readonly userId: string | undefined;
  /** Of the request, to tell a repeated one from another one under the same key. */
  readonly fingerprint: string;
  readonly createdAtMs: number;
  /** Kept while the claim is warming, so that it can be gone on with after a crash. */
  readonly details: ClaimDetails | undefined;
  readonly status: ClaimStatus;
  /** When the record may be forgotten, in epoch milliseconds. */
  readonly forgetAtMs: number;
}

export function hasEnded(record: ClaimRecord): boolean {
  switch (record.status.state) {
    case 'WARMING':
    case 'HOT':
      return false;
    case 'FAILED':
    case 'CANCELLED':
    case 'RETIRED':
      return true;
  }
}

export function warmingStatus(progress: WarmingProgress, reason: MissReason): ClaimStatus {
  return {
    state: 'WARMING',
    progress: progress.progress,
    phase: progress.phase,
    ...(progress.step === undefined ? {} : { step: progress.step }),
    eta: progress.eta,
    elapsedMs: progress.elapsedMs,
    reason,
  };
}

export function hotStatus(claim: Claim, latencyMs: number): ClaimStatus {
  const { source, expiresAtMs, connection } = claim;
  return { state: 'HOT', source, latencyMs, expiresAtMs, acked: false, connection };
}

/** The status of a claim as the engine first answered it. */
export function answerStatus(answer: ClaimAnswer): ClaimStatus {
  if (answer.state === 'HOT') return hotStatus(answer.claim, answer.latencyMs);
  const { progress, phase, eta, reason } = answer;
  return { state: 'WARMING', progress, phase, eta, elapsedMs: 0, reason };
}

/** A claim as its claimant sees it. `sandboxUrl` is told where sandboxes are not reached by their domain. */
export function toWireClaim(record: ClaimRecord, sandboxUrl: string | undefined): WireClaim {
  const { status } = record;
  if (status.state !== 'HOT') return withoutConnection(record, status);
  const { connection, state, source, latencyMs, expiresAtMs, acked } = status;
  return {
    state,
    ...subject(record),
    source,
    latencyMs,
    expiresAtMs,
    acked,
    connection: {
      sandboxId: connection.sandboxId,
      envdVersion: connection.envdVersion,
      ...(connection.sandboxDomain === undefined ? {} : { sandboxDomain: connection.sandboxDomain }),
      ...(connection.envdAccessToken === undefined ? {} : { envdAccessToken: connection.envdAccessToken }),
      ...(connection.trafficAccessToken === undefined ? {} : { trafficAccessToken: connection.trafficAccessToken }),
      ...(sandboxUrl === undefined ? {} : { sandboxUrl }),
    },
  };
}

/** A claim in a list: without what is needed to enter the sandbox. */
export function toWireSummary(record: ClaimRecord): WireClaimSummary {
  const { status } = record;
  if (status.state !== 'HOT') return withoutConnection(record, status);
  const { connection, state, source, latencyMs, expiresAtMs, acked } = status;
  return { state, ...subject(record), source, latencyMs, expiresAtMs, acked, sandboxId: connection.sandboxId };
}

function withoutConnection(record: ClaimRecord, status: Exclude<ClaimStatus, { state: 'HOT' }>) {
  switch (status.state) {
    case 'WARMING': {
      const { step, ...rest } = status;
      return { ...rest, ...subject(record), ...(step === undefined ? {} : { step }) };
    }
    case 'FAILED':
      return { state: status.state, ...subject(record), error: status.error };
    case 'CANCELLED':
    case 'RETIRED':
      return { state: status.state, ...subject(record) };
  }
}

function subject(record: ClaimRecord) {
  const { claimId, runtime, key, userId, createdAtMs } = record;
  return { claimId, runtime, key, createdAtMs, ...(userId === undefined ? {} : { userId }) };
}
