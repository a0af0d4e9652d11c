import { type ClaimAnswer, isWarmingError } from '@pilotlight/warming';
import { isWarmerError, toWireError, WarmerError } from '../errors.js';
import type { EventLog } from '../events/log.js';
import type { HistoryWriter } from '../history/writer.js';
import type { DeclaredRuntimes } from '../runtimes/declared.js';
import type { RuntimeRegistry } from '../runtimes/registry.js';
import { announceEnd, announceFailure, announceMiss, announceReady } from './announce.js';
import type { ClaimBook } from './book.js';
import { claimConflict } from './complaints.js';
import type { ClaimDispatch } from './dispatch.js';
import { ClaimHandles } from './handles.js';
import { LiveClaims } from './live.js';
import type { ClaimManager } from './manager.js';
import { tenantClaimKey, tenantUserId } from './names.js';
import { answerStatus, type ClaimDetails, type ClaimRecord, type ClaimStatus, hasEnded, hotStatus } from './record.js';
import { followWarming } from './warming.js';

/** What a tenant asks for. */
export interface ServiceClaimRequest {
  tenant: string;
  runtime: string;
  key: string;
  userId: string | undefined;
  details: ClaimDetails;
  /** Of the whole request: the same key with another one is a conflict. */
  fingerprint: string;
}

export interface ClaimServiceParts {
  manager: ClaimManager;
  book: ClaimBook;
  registry: RuntimeRegistry;
  runtimes: Pick<DeclaredRuntimes, 'resolve'>;
  log: EventLog;
  history: Pick<HistoryWriter, 'note' | 'ended'>;
  now: () => number;
  newClaimId: () => string;
  /** Undefined: this process does all the work itself. */
  dispatch?: ClaimDispatch | undefined;
  /** The status of a claim that has to wait in the line; undefined when a hot sandbox may be had at once. */
  queuedStatus?: (pool: string, details: ClaimDetails) => ClaimStatus | undefined;
}

/** Claims over HTTP: gives the engine's answers an owner, a record and events. Every decision is the engine's. */
export class ClaimService {
  readonly #parts: ClaimServiceParts;
  readonly #live: LiveClaims;
  readonly #handles: ClaimHandles;
  /** One flight per key of a tenant: a repeated request waits for the first instead of racing it. */
  readonly #flights = new Map<string, { fingerprint: string; result: Promise<ClaimRecord> }>();

  constructor(parts: ClaimServiceParts) {
    this.#parts = parts;
    this.#live = new LiveClaims({ book: parts.book, now: parts.now, shared: parts.dispatch !== undefined });
    this.#handles = new ClaimHandles({ ...parts, live: this.#live, ask: (record) => this.#ask(record) });
  }

  /** Claims that this process holds: warming or handed over. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** Claims of this process that are on their way. */
  get warmingCount(): number {
    return this.#live.warming;
  }

  /**
   * Answers at once with a HOT or a WARMING record. The same key gives the same claim.
   *
   * @throws {@link WarmerError} `unknown_runtime`, `claim_conflict`
   * @throws {@link WarmingError} what the engine says
   */
  async claim(request: ServiceClaimRequest): Promise<ClaimRecord> {
    const flightKey = `${request.tenant}\n${request.key}`;
    const flight = this.#flights.get(flightKey);
    if (flight) {
      if (flight.fingerprint !== request.fingerprint) throw claimConflict(request.key);
      return flight.result;
    }
    const result = this.#claim(request).finally(() => this.#flights.delete(flightKey));
    this.#flights.set(flightKey, { fingerprint: request.fingerprint, result });
    return result;
  }

  /** Goes on with a warming claim that a process which is gone had begun. */
  async resume(record: ClaimRecord): Promise<ClaimRecord> {
    const current = (await this.find(record.claimId)) ?? record;
    if (current.status.state !== 'WARMING' || this.#live.get(current.claimId)) return current;
    return this.#take(current, await this.#ask(current));
  }

  /** {@link resume}, and waits until the claim is hot or has ended. A claim that cannot be had ends as failed. */
  async runToEnd(record: ClaimRecord, report: (progress: number) => void): Promise<void> {
    try {
      await this.resume(record);
    } catch (error) {
      if (!isWarmingError(error) || error.code === 'ledger_unavailable') throw error;
      await this.fail(record, error);
      return;
    }
    const live = this.#live.get(record.claimId);
    if (live) live.report = report;
    await live?.followed;
  }

  /** Ends a warming claim that nobody can go on with. */
  async fail(record: ClaimRecord, reason: unknown): Promise<void> {
    const { log, registry } = this.#parts;
    const error = toWireError(reason, { ownsRuntime: registry.byPool(record.pool)?.tenant === record.tenant });
    const progress = record.status.state === 'WARMING' ? record.status.progress : 0;
    const failed = await this.#live.change(record, () => ({ state: 'FAILED', error, progress, elapsedMs: 0 }));
    announceFailure(log, failed, error);
    announceEnd(log, failed, { outcome: 'failed', progress, elapsedMs: 0, last: undefined });
  }

  /** Another replica was asked to end a claim that this one works on. */
  async giveUp(claimId: string): Promise<void> {
    const live = this.#live.get(claimId);
    if (live) await this.retire(live.record);
  }

  /** The record of a claim; its liveliest form when this process holds it. */
  async find(claimId: string): Promise<ClaimRecord | undefined> {
    return this.#live.read(claimId);
  }

  async findBySandbox(sandboxId: string): Promise<ClaimRecord | undefined> {
    const record = await this.#parts.book.findBySandbox(sandboxId);
    return record && this.find(record.claimId);
  }

  async list(tenant: string | undefined, limit: number): Promise<ClaimRecord[]> {
    const records = await this.#parts.book.list(tenant, limit);
    return Promise.all(records.map(async (record) => (await this.#live.read(record.claimId)) ?? record));
  }

  /** @throws {@link WarmerError} `sandbox_gone` when the claim has ended */
  async ack(record: ClaimRecord): Promise<ClaimRecord> {
    await this.#handles.use(record, (claim) => claim.ack());
    return this.#live.change(record, (status) => (status.state === 'HOT' ? { ...status, acked: true } : status));
  }

  /** @throws {@link WarmerError} `sandbox_gone` when the claim has ended */
  async renew(record: ClaimRecord, lifeMs: number): Promise<ClaimRecord> {
    await this.#handles.use(record, (claim) => claim.renew(lifeMs));
    const expiresAtMs = this.#parts.now() + lifeMs;
    return this.#live.change(record, (status) => (status.state === 'HOT' ? { ...status, expiresAtMs } : status));
  }

  /** Cancels a warming claim, retires a hot one. Idempotent. */
  async retire(record: ClaimRecord): Promise<ClaimRecord> {
    const current = (await this.find(record.claimId)) ?? record;
    if (hasEnded(current)) return current;
    const { answer, followed } = this.#live.get(current.claimId) ?? {};
    if (answer) {
      await answer.cancel();
      await followed;
      return (await this.find(current.claimId)) ?? current;
    }
    if (current.status.state === 'WARMING' && this.#parts.dispatch) return this.#withdraw(current);
    try {
      const claim = await this.#handles.of(current);
      await claim.retire();
    } catch (error) {
      if (!(isWarmerError(error) && error.code === 'sandbox_gone')) throw error;
    }
    return this.#handles.ended(current);
  }

  /** Ends the claim and keeps the sandbox, paused, for the same user. @throws {@link WarmerError} `sandbox_gone` */
  async keep(record: ClaimRecord): Promise<ClaimRecord> {
    await this.#handles.use(record, (claim) => {
      if (claim.keep) return claim.keep();
      throw new WarmerError(
        'invalid_option',
        'The sandbox cannot be kept: the claim has no "userId", or the provider cannot pause. Retire it instead.',
      );
    });
    return this.#handles.ended(record);
  }

  /** An event says that a claim has ended, here or at another replica. */
  forget(claimId: string): void {
    this.#live.forget(claimId);
  }

  /** The engine says that a claim of this process has ended. */
  async retiredByEngine(engineClaimId: string): Promise<void> {
    const live = this.#live.byEngineId(engineClaimId);
    if (live) await this.#handles.ended(live.record);
  }

  async #claim(request: ServiceClaimRequest): Promise<ClaimRecord> {
    const { book, log, runtimes, newClaimId, now } = this.#parts;
    const runtime = await runtimes.resolve(request.tenant, request.runtime);
    const earlier = await book.findByKey(request.tenant, request.key);
    const current = earlier && ((await this.find(earlier.claimId)) ?? earlier);
    if (current && !hasEnded(current)) {
      if (current.fingerprint !== request.fingerprint) throw claimConflict(request.key);
      return current.status.state === 'HOT' ? current : this.resume(current);
    }
    const { tenant, key, userId, fingerprint, details } = request;
    const createdAtMs = now();
    const blank = { tenant, runtime: runtime.name, pool: runtime.pool, key, userId, fingerprint, details };
    const recordOf = (status: ClaimStatus): ClaimRecord => ({
      ...blank,
      claimId: newClaimId(),
      createdAtMs,
      status,
      forgetAtMs: this.#live.forgetAtMs(status),
    });
    const queued = this.#parts.dispatch && this.#parts.queuedStatus?.(runtime.pool, details);
    if (queued) return this.#enqueue(recordOf(queued));
    const answer = await this.#ask(blank);
    const record = await this.#take(recordOf(answerStatus(answer)), answer);
    if (answer.state === 'WARMING') {
      announceMiss(log, record, answer.reason);
      // Should this replica die with it, another one goes on.
      await this.#parts.dispatch?.enqueue(record, true);
    }
    return record;
  }

  /** Nothing is hot: the work goes to whichever replica is free. */
  async #enqueue(record: ClaimRecord): Promise<ClaimRecord> {
    const { book, log, history, dispatch } = this.#parts;
    await book.put(record);
    history.note(record);
    if (record.status.state === 'WARMING') announceMiss(log, record, record.status.reason);
    await dispatch?.enqueue(record, false);
    return record;
  }

  #ask(wanted: Pick<ClaimRecord, 'pool' | 'tenant' | 'key' | 'userId' | 'details'>): Promise<ClaimAnswer> {
    const { pool, tenant, key, userId, details } = wanted;
    return this.#parts.manager.claim(pool, {
      ...details,
      key: tenantClaimKey(tenant, key),
      tenant,
      ...(userId === undefined ? {} : { userId: tenantUserId(tenant, userId) }),
    });
  }

  /** Makes the engine's answer that of this claim. */
  async #take(record: ClaimRecord, answer: ClaimAnswer): Promise<ClaimRecord> {
    const { book, log, history } = this.#parts;
    if (answer.state === 'HOT') {
      const { claim } = answer;
      const wasWarming = record.status.state === 'WARMING';
      const hot = { ...record, status: hotStatus(claim, answer.latencyMs), details: undefined };
      this.#live.hold(hot, claim);
      await book.put(hot);
      history.note(hot);
      announceReady(log, hot, claim);
      if (wasWarming) {
        announceEnd(log, hot, { outcome: 'hot', progress: 1, elapsedMs: claim.latencyMs, last: undefined });
      }
      return hot;
    }
    const live = this.#live.follow(record, answer);
    // Somebody listens to `ready` from here on: a failure before the first await is no unhandled rejection.
    live.followed = followWarming({
      log,
      record,
      answer,
      ownsRuntime: this.#parts.registry.byPool(record.pool)?.tenant === record.tenant,
      progressed: (status) => {
        live.record = { ...live.record, status };
        if (status.state === 'WARMING') live.report?.(status.progress);
        return live.record;
      },
      ready: (claim) => {
        delete live.answer;
        this.#live.hold(live.record, claim);
        return this.#live
          .change(live.record, () => hotStatus(claim, claim.latencyMs))
          .then((hot) => {
            history.note(hot);
            return hot;
          });
      },
      ended: (status) => this.#live.change(live.record, () => status),
    });
    live.followed.catch(() => undefined);
    await book.put(record);
    history.note(record);
    return live.record;
  }

  /** The claim is in the line, or another replica works on it. */
  async #withdraw(record: ClaimRecord): Promise<ClaimRecord> {
    const { dispatch, log } = this.#parts;
    if (!(await dispatch?.withdraw(record))) return record;
    const cancelled = { state: 'CANCELLED', progress: 0, elapsedMs: 0 } as const;
    const ended = await this.#live.change(record, () => cancelled);
    announceEnd(log, ended, { outcome: 'cancelled', progress: 0, elapsedMs: 0, last: undefined });
    return ended;
  }
}
