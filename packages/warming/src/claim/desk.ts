import type { ClaimAnswer, ClaimSource, MissReason, WarmingProgress } from '../claim.js';
import { sleep } from '../clock.js';
import type { TakeResult } from '../ledger/ledger.js';
import type { ClaimRecord, SlotRecord } from '../ledger/record.js';
import { environmentOf, personaliseHot } from '../personalise/personalise.js';
import type { Fleet } from '../pool/fleet.js';
import type { Pool } from '../pool/pool.js';
import { claimErrorOf, worthAnotherTry } from '../pool/provider-errors.js';
import { retire } from '../pool/retire.js';
import type { PoolSpec } from '../pool/spec.js';
import { Waiter } from '../pool/waiter.js';
import { ProviderError } from '../provider.js';
import { cancelled, conflict, lineIsFull, tenantFull, tooLong } from './desk-errors.js';
import { ClaimHandle } from './handle.js';
import { missReason } from './miss-reason.js';
import type { ParsedRequest } from './request.js';
import { WarmingClaim } from './warming-claim.js';

export interface DeskDetails {
  readonly fleet: Fleet;
  /** The generic pool that may answer for a runtime. */
  generic(spec: PoolSpec): PoolSpec | undefined;
  /** A claim was asked for, whatever the answer. */
  observed(runtime: string, request: ParsedRequest, answeredBy: ClaimSource | undefined): void;
}

type Identity = Omit<ClaimRecord, 'source' | 'specKey'>;

interface PendingClaim {
  readonly runtime: string;
  readonly answer: Promise<ClaimAnswer>;
}

/** How often a claim looks whether another process has its sandbox ready, in milliseconds. */
const heldPollMs = 100;
/** Hot slots tried for one claim before it waits for a new one. */
const mostTries = 3;

/** Where claims are answered: HOT when a slot can be had now, else WARMING. */
export class ClaimDesk {
  readonly #details: DeskDetails;
  /** Claims under way in this process by key: asked for twice, they get the same answer. */
  readonly #pending = new Map<string, PendingClaim>();
  #waiting = 0;

  constructor(details: DeskDetails) {
    this.#details = details;
  }

  async claim(pool: Pool, request: ParsedRequest): Promise<ClaimAnswer> {
    const { fleet } = this.#details;
    const startedMs = fleet.clock.monotonicMs();
    if (request.lifeMs > fleet.settings.maxLifeMs) throw tooLong(request.lifeMs, fleet.settings.maxLifeMs);
    if (request.signal?.aborted) throw cancelled(pool.spec.pool, request.signal.reason);
    if (request.key === undefined) return this.#answer(pool, request, fleet.newId(), startedMs);
    const pending = this.#pending.get(request.key);
    if (pending) return this.#sameAgain(pending, pool, request.key);
    const answer = this.#answer(pool, request, request.key, startedMs);
    this.#pending.set(request.key, { runtime: pool.spec.pool, answer });
    const forget = () => this.#pending.delete(request.key ?? '');
    answer.then((result) => result.ready.then(forget, forget), forget);
    return answer;
  }

  async #sameAgain(pending: PendingClaim, pool: Pool, key: string): Promise<ClaimAnswer> {
    if (pending.runtime !== pool.spec.pool) throw conflict(key, pending.runtime);
    return pending.answer;
  }

  async #answer(pool: Pool, request: ParsedRequest, key: string, startedMs: number): Promise<ClaimAnswer> {
    const { fleet } = this.#details;
    const runtime = pool.spec.pool;
    const identity = { claimId: fleet.newId(), key, tenant: request.tenant, userId: request.userId, runtime };
    fleet.stats.claimed(runtime);
    let unhealthy = false;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const taken = await this.#take(pool, request, identity);
      if (taken.kind === 'conflict') throw conflict(key, taken.runtime);
      if (taken.kind === 'tenant_full') throw tenantFull(request.tenant, taken.claims);
      if (taken.kind !== 'taken') return this.#wait(pool, request, identity, startedMs, { taken, unhealthy });
      try {
        return await this.#handOver(pool, request, taken.record, startedMs);
      } catch (error) {
        const gone = error instanceof ProviderError && error.failure === 'gone';
        // A claimant who asks again works in this sandbox: it ends only when it is gone anyway.
        if (taken.repeated && !gone) throw claimErrorOf(error, fleet.provider.name);
        // It vanished, or cannot take the claimant's files: it is nobody's any more.
        await retire(fleet, taken.record, 'unhealthy').catch((cause: Error) =>
          fleet.emit('background-error', { runtime, error: cause }),
        );
        if (!worthAnotherTry(error)) throw claimErrorOf(error, fleet.provider.name);
        unhealthy = true;
      }
    }
    return this.#wait(pool, request, identity, startedMs, { taken: { kind: 'empty', passed: 0 }, unhealthy });
  }

  #take(
    pool: Pool,
    request: ParsedRequest,
    identity: Identity,
    shelves = shelvesOf(pool, request),
  ): Promise<TakeResult> {
    const { ledger, settings, replica } = this.#details.fleet;
    const nowMs = ledger.nowMs();
    return ledger.take({
      claim: { ...identity, specKey: pool.spec.specKey, source: 'hot' },
      shelves,
      endsAfterMs: nowMs + 1_000,
      hardEndsAfterMs: nowMs + request.lifeMs,
      leaseUntilMs: nowMs + settings.leaseMs,
      owner: replica,
      preparing: false,
      tenantMax: settings.tenantMaxClaims,
      ...(request.key === undefined ? {} : { holdUntilMs: nowMs + settings.leaseMs }),
    });
  }

  /** Without a round trip, unless the claimant brought files, asks for a longer life, or another process made the sandbox. */
  async #handOver(pool: Pool, request: ParsedRequest, taken: SlotRecord, startedMs: number): Promise<ClaimAnswer> {
    const { fleet } = this.#details;
    if (taken.state.name !== 'claimed') throw new TypeError('A slot that was taken is claimed.');
    const { place, claim, endsAtMs } = taken.state;
    const nowMs = fleet.ledger.nowMs();
    const sandbox = await fleet.connections.open(place, Math.max(request.lifeMs, endsAtMs - nowMs));
    if (endsAtMs - nowMs < request.lifeMs) await fleet.provider.setTimeout(place.sandboxId, request.lifeMs);
    await personaliseHot(fleet, sandbox, request);
    const latencyMs = fleet.clock.monotonicMs() - startedMs;
    const handle = new ClaimHandle({
      fleet,
      record: taken,
      claim,
      connection: sandbox.connection,
      environment: environmentOf(request),
      latencyMs,
      lifeMs: request.lifeMs,
    });
    this.#handed(pool, handle);
    fleet.stats.answered(claim.runtime, claim.source, latencyMs, 'HOT');
    fleet.stats.used(claim.runtime, nowMs - taken.createdAtMs);
    this.#details.observed(claim.runtime, request, claim.source);
    fleet.emit('claim-ready', {
      claimId: claim.claimId,
      runtime: claim.runtime,
      source: claim.source,
      latencyMs,
      sandboxId: place.sandboxId,
    });
    return { state: 'HOT', claim: handle, source: claim.source, latencyMs, ready: Promise.resolve(handle) };
  }

  #wait(
    pool: Pool,
    request: ParsedRequest,
    identity: Identity,
    startedMs: number,
    found: { taken: TakeResult; unhealthy: boolean },
  ): ClaimAnswer {
    const { fleet, generic } = this.#details;
    const { queueLimit } = fleet.settings.budget;
    if (this.#waiting >= queueLimit) throw lineIsFull(queueLimit);
    const { claimId, runtime, key } = identity;
    const reason: MissReason = missReason(pool, fleet, found);
    const warming: WarmingClaim = new WarmingClaim({
      claimId,
      runtime,
      reason,
      clock: fleet.clock,
      startedMs,
      report: (event) => {
        fleet.emit('claim-progress', event);
        this.#tell(request, event);
      },
      giveUp: () => pool.leave(waiter),
    });
    const waiter: Waiter = new Waiter({
      fleet,
      request,
      identity,
      warming,
      startedMs,
      spec: () => pool.spec,
      generic: () => generic(pool.spec),
      handed: (handle) => this.#handed(pool, handle),
    });
    this.#waiting += 1;
    fleet.stats.missed(runtime, reason);
    this.#details.observed(runtime, request, undefined);
    fleet.emit('claim-missed', { claimId, runtime, reason });
    const cancel = () => void warming.cancel(request.signal?.reason);
    request.signal?.addEventListener('abort', cancel, { once: true });
    const after = () => {
      this.#waiting -= 1;
      request.signal?.removeEventListener('abort', cancel);
    };
    warming.ready.then(after, (error: Error) => {
      after();
      fleet.background(runtime, () => fleet.ledger.unhold(key, claimId));
      fleet.emit('claim-failed', { claimId, runtime, error });
    });
    if (request.key !== undefined) this.#keepHold(pool, request, identity, warming);
    if (found.taken.kind !== 'held') pool.enqueue(waiter);
    else fleet.background(runtime, () => this.#follow(pool, request, identity, waiter));
    return warming;
  }

  /** Renews the hold on the key while its claim waits, so that it ends soon after this process does. */
  #keepHold(pool: Pool, request: ParsedRequest, identity: Identity, warming: WarmingClaim): void {
    const { fleet } = this.#details;
    fleet.later(fleet.settings.leaseMs / 3, identity.runtime, async () => {
      if (warming.settled) return;
      await this.#take(pool, request, identity, []).finally(() => this.#keepHold(pool, request, identity, warming));
    });
  }

  /** Another process makes a sandbox for this key: waits for it, and makes one if nothing comes of that. */
  async #follow(pool: Pool, request: ParsedRequest, identity: Identity, waiter: Waiter): Promise<void> {
    const { fleet } = this.#details;
    const { warming } = waiter;
    try {
      while (!warming.settled) {
        const taken = await this.#take(pool, request, identity);
        if (taken.kind === 'empty') return pool.enqueue(waiter);
        if (taken.kind === 'conflict') throw conflict(identity.key, taken.runtime);
        if (taken.kind === 'tenant_full') throw tenantFull(request.tenant, taken.claims);
        if (taken.kind === 'taken' && taken.record.state.name === 'claimed') {
          const { place, claim, endsAtMs } = taken.record.state;
          const sandbox = await fleet.connections.open(
            place,
            Math.max(request.lifeMs, endsAtMs - fleet.ledger.nowMs()),
          );
          await waiter.prepare(sandbox);
          return waiter.board(sandbox, taken.record, claim);
        }
        await sleep(fleet.clock, heldPollMs);
      }
    } catch (error) {
      warming.fail(claimErrorOf(error, fleet.provider.name));
    }
  }

  /** A callback that throws is its owner's business, not the claim's. */
  #tell(request: ParsedRequest, event: WarmingProgress): void {
    try {
      request.onProgress?.(event);
    } catch (error) {
      this.#details.fleet.emit('background-error', { runtime: event.runtime, error: error as Error });
    }
  }

  #handed(pool: Pool, handle: ClaimHandle): void {
    const { fleet } = this.#details;
    fleet.handles.add(handle);
    // After the answer: the claimant's first command goes before our own business.
    fleet.later(fleet.settings.refillDelayMs, pool.spec.pool, () => handle.settleLife());
    pool.wake(fleet.settings.refillDelayMs);
  }
}

/** A claim that wants its own sandbox back looks there first, which takes a resume. */
function shelvesOf({ spec }: Pool, request: ParsedRequest): readonly string[] {
  const own = request.affinity === 'prefer' && request.userId !== undefined;
  return own ? [] : [spec.hotShelf];
}
