import { type Priority, priorities } from '../budget/gate.js';
import { ClaimHandle } from '../claim/handle.js';
import type { ParsedRequest } from '../claim/request.js';
import type { WarmingClaim } from '../claim/warming-claim.js';
import { type ClaimRecord, keptShelf, type SlotRecord, shelf } from '../ledger/record.js';
import { environmentOf, personaliseWarming } from '../personalise/personalise.js';
import type { ProviderSandbox } from '../provider.js';
import type { Fleet } from './fleet.js';
import type { Flight } from './flight.js';
import type { Passenger } from './passenger.js';
import type { PoolSpec } from './spec.js';
import type { Tier } from './tiers.js';

export interface WaiterDetails {
  readonly fleet: Fleet;
  readonly request: ParsedRequest;
  readonly identity: Pick<ClaimRecord, 'claimId' | 'key' | 'tenant' | 'userId' | 'runtime'>;
  readonly warming: WarmingClaim;
  readonly startedMs: number;
  /** As of now: it may change while the claim waits. */
  spec(): PoolSpec;
  /** The generic pool this claim may be answered from. */
  generic(): PoolSpec | undefined;
  handed(handle: ClaimHandle): void;
}

/** A claim that waits for its sandbox, as a flight sees it. */
export class Waiter implements Passenger {
  readonly warming: WarmingClaim;
  flight: Flight | undefined;
  tries = 0;
  readonly #details: WaiterDetails;

  constructor(details: WaiterDetails) {
    this.#details = details;
    this.warming = details.warming;
  }

  get claim(): Omit<ClaimRecord, 'source'> {
    return { ...this.#details.identity, specKey: this.#details.spec().specKey };
  }

  get priority(): Priority {
    return priorities[this.#details.request.priority];
  }

  get lifeMs(): number {
    return this.#details.request.lifeMs;
  }

  /** What is left of the longest wait for a turn. */
  get deadlineMs(): number {
    const { fleet, startedMs } = this.#details;
    return Math.max(0, startedMs + fleet.settings.budget.queueTimeoutMs - fleet.clock.monotonicMs());
  }

  attach(flight: Flight): void {
    this.flight = flight;
    flight.passenger = this;
    flight.way.onChange = () => this.warming.report();
    this.warming.follow(() => flight.way.measure());
  }

  detach(): Flight | undefined {
    const { flight } = this;
    this.flight = undefined;
    if (flight) {
      flight.passenger = undefined;
      flight.way.onChange = () => undefined;
    }
    return flight;
  }

  async take(tier: Tier): Promise<SlotRecord | undefined> {
    const { fleet, identity, spec } = this.#details;
    const shelf = this.#shelfOf(tier);
    if (shelf === undefined) return undefined;
    const nowMs = fleet.ledger.nowMs();
    const taken = await fleet.ledger.take({
      claim: { ...identity, specKey: spec().specKey, source: tier.source },
      shelves: [shelf],
      endsAfterMs: nowMs,
      // The life of a paused sandbox starts again when it is resumed.
      hardEndsAfterMs: nowMs + (tier.origin === 'generic' || tier.origin === 'hot' ? this.lifeMs : 0),
      leaseUntilMs: nowMs + fleet.settings.leaseMs,
      owner: fleet.replica,
      preparing: tier.needs !== 'nothing',
      tenantMax: fleet.settings.tenantMaxClaims,
    });
    if (taken.kind !== 'taken' || taken.record.state.name !== 'claimed') return undefined;
    return taken.record.state.claim.claimId === identity.claimId ? taken.record : undefined;
  }

  #shelfOf(tier: Tier): string | undefined {
    const { identity, request, spec, generic } = this.#details;
    const { pool, specKey } = spec();
    const base = generic();
    switch (tier.origin) {
      case 'affinity':
        if (request.affinity !== 'prefer' || identity.userId === undefined) return undefined;
        return keptShelf(pool, specKey, identity.tenant, identity.userId);
      case 'hot':
      case 'parked':
        return shelf(tier.origin, pool, specKey);
      case 'generic':
        return base && shelf('hot', base.pool, base.specKey);
      default:
        return undefined;
    }
  }

  prepare(sandbox: ProviderSandbox): Promise<void> {
    return personaliseWarming(this.#details.fleet, sandbox, this.#details.request);
  }

  board(sandbox: ProviderSandbox, record: SlotRecord, claim: ClaimRecord): void {
    const { fleet, request, startedMs, handed } = this.#details;
    const latencyMs = fleet.clock.monotonicMs() - startedMs;
    const handle: ClaimHandle = new ClaimHandle({
      fleet,
      record,
      claim,
      connection: sandbox.connection,
      environment: environmentOf(request),
      latencyMs,
      lifeMs: request.lifeMs,
    });
    handed(handle);
    fleet.stats.answered(claim.runtime, claim.source, latencyMs, 'WARMING');
    this.warming.succeed(handle);
    fleet.emit('claim-ready', {
      claimId: claim.claimId,
      runtime: claim.runtime,
      source: claim.source,
      latencyMs,
      sandboxId: sandbox.sandboxId,
    });
  }
}
