import { NoRoom, type Permit, type Priority } from '../budget/gate.js';
import { WayTracker } from '../claim/way-tracker.js';
import type { ClaimRecord, SlotPurpose, SlotRecord, SnapshotLink } from '../ledger/record.js';
import { ProviderError, type ProviderSandbox } from '../provider.js';
import { verify, type WarmUpTask, warmUp } from '../warm-up/execute.js';
import { providedScript } from '../warm-up/scripts.js';
import { capturePiece, linkPiece, originPiece, personalisePiece, wayOf } from '../warm-up/way.js';
import type { Fleet } from './fleet.js';
import { Fenced, SlotHold } from './hold.js';
import { metadataOf } from './metadata.js';
import { mayHaveCreated, resolveLost, retire } from './retire.js';
import { isGeneric, type PoolSpec } from './spec.js';
import { type Tier, tiers } from './tiers.js';

/** A claimant who waits for a flight. */
export interface Passenger {
  readonly claim: Omit<ClaimRecord, 'source'>;
  readonly priority: Priority;
  readonly lifeMs: number;
  readonly deadlineMs: number;
  /** Takes a slot of another tier, marked as claimed; undefined when there is none. */
  take(tier: Tier): Promise<SlotRecord | undefined>;
  /** Prepares the sandbox for the claimant, to whom it belongs by now. */
  prepare(sandbox: ProviderSandbox): Promise<void>;
  /** Hands it over. */
  board(sandbox: ProviderSandbox, record: SlotRecord, claim: ClaimRecord): void;
}

export interface FlightPlan {
  readonly fleet: Fleet;
  readonly spec: PoolSpec;
  readonly purpose: SlotPurpose;
  readonly priority: Priority;
  /** Slots of this purpose the pool may have. */
  goal(): number;
  /** A sandbox that exists already, left by another process. */
  readonly adopted?: SlotRecord;
  /** Another flight of the same spec is under way that can be captured without a claimant waiting for it. */
  othersCapture(): boolean;
}

export type FlightEnd =
  | { readonly kind: 'boarded' }
  | { readonly kind: 'pooled' }
  /** There was no room or no need, or nobody wants it any more. */
  | { readonly kind: 'grounded'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A sandbox on its way, with the record that stands for it. */
interface Craft {
  readonly hold: SlotHold;
  readonly sandbox: ProviderSandbox;
  readonly tier: Tier;
  readonly link: SnapshotLink | undefined;
}

/** Brings one sandbox from nothing, or from a colder tier, to a claimant or into the pool. It leaves nothing behind when it fails. */
export class Flight {
  readonly way: WayTracker;
  readonly done: Promise<FlightEnd>;
  passenger: Passenger | undefined;
  purpose: SlotPurpose;
  /** Whether its record is in the ledger, where the plan counts it. */
  recorded = false;
  /** The slot it asked for, or has. */
  slotId: string | undefined;
  /** Whether it stands in the line for a create call, with nothing in its hands. */
  inLine = false;
  readonly #plan: FlightPlan;
  readonly #stop = new AbortController();

  constructor(plan: FlightPlan, passenger?: Passenger) {
    this.#plan = plan;
    this.purpose = plan.purpose;
    this.passenger = passenger;
    const { fleet, spec } = plan;
    this.way = new WayTracker(fleet.clock, fleet.durations, spec.specKey);
    this.#setWay(plan.adopted ? 'adopted' : 'cold');
    this.done = this.#run();
  }

  /** Asks the flight to end; `done` says when nothing is left of it. */
  abort(reason: Error): void {
    this.#stop.abort(reason);
  }

  async #run(): Promise<FlightEnd> {
    for (const tier of this.#tiers()) {
      let craft: Craft | undefined;
      try {
        craft = await this.#takeOff(tier);
        if (!craft) continue;
        return await this.#fly(craft);
      } catch (error) {
        this.recorded = false;
        if (craft) await this.#crash(craft, error);
        if (error instanceof NoRoom || this.#stop.signal.aborted) return { kind: 'grounded', error };
        if (isLast(tier) || !fallsThrough(tier, error)) return { kind: 'failed', error };
      }
    }
    return { kind: 'failed', error: new TypeError('The cold tier always has something.') };
  }

  #tiers(): readonly Tier[] {
    if (this.#plan.adopted) return [adoptedTier];
    return tiers.filter((tier) => tier.by === 'create' || this.passenger);
  }

  /** Comes by a sandbox of a tier. Undefined when the tier has none. */
  async #takeOff(tier: Tier): Promise<Craft | undefined> {
    const { fleet, spec, adopted } = this.#plan;
    if (adopted) return this.#resume(adopted, tier);
    if (tier.by === 'take') {
      const record = await this.passenger?.take(tier);
      // The pool of generic sandboxes has one less; its refill waits as any other does.
      if (record && record.pool !== spec.pool) {
        fleet.later(fleet.settings.refillDelayMs, record.pool, async () => fleet.changed(record.pool));
      }
      return record && this.#resume(record, tier);
    }
    const link =
      tier.origin === 'linked' && spec.runtime.pool.link ? await fleet.links.resolve(spec.specKey) : undefined;
    if (tier.origin === 'linked' && !link) return undefined;
    this.#setWay(tier.origin);
    return this.#create(tier, link);
  }

  async #resume(record: SlotRecord, tier: Tier): Promise<Craft> {
    const { fleet } = this.#plan;
    this.#setWay(tier.origin);
    this.recorded = true;
    this.slotId = record.slotId;
    const hold = new SlotHold(fleet, record);
    hold.beat();
    try {
      if (!('place' in record.state)) throw new TypeError('A slot without a sandbox cannot be resumed.');
      const { place } = record.state;
      const open = () =>
        tier.origin === 'generic' || tier.origin === 'hot'
          ? fleet.connections.open(place, fleet.settings.slotLifeMs)
          : fleet.connections.resume(place, fleet.settings.slotLifeMs);
      return { hold, sandbox: await this.way.during(originPiece(tier.origin), open), tier, link: undefined };
    } catch (error) {
      await this.#abandon(hold);
      throw error;
    }
  }

  async #create(tier: Tier, link: SnapshotLink | undefined): Promise<Craft> {
    const { fleet, spec } = this.#plan;
    this.inLine = true;
    const permit = await this.#admit().finally(() => {
      this.inLine = false;
    });
    this.recorded = true;
    const hold = new SlotHold(fleet, permit.record);
    hold.beat();
    try {
      this.#stop.signal.throwIfAborted();
      this.way.begin(originPiece(tier.origin));
      // Not told to stop: a create call that is cut off leaves a sandbox nobody knows. It is killed after the answer.
      const sandbox = await fleet.provider.create({
        template: link?.snapshotId ?? spec.runtime.template,
        timeoutMs: fleet.settings.slotLifeMs,
        metadata: metadataOf(fleet.name, permit.record),
        allowInternetAccess: spec.runtime.allowInternetAccess,
      });
      permit.release({ kind: 'created' });
      const place = fleet.connections.keep(sandbox.connection);
      const craft: Craft = { hold, sandbox, tier, link };
      await hold
        .write((record) => ({ ...record, state: { name: 'warming', place } }))
        .catch(async (error) => {
          await fleet.provider.kill(sandbox.sandboxId);
          throw error;
        });
      this.way.end(originPiece(tier.origin));
      return craft;
    } catch (error) {
      permit.release(outcomeOf(error));
      if (hold.record.state.name === 'creating') await this.#undoCreate(hold, error);
      throw error;
    }
  }

  #admit(): Promise<Permit> {
    const { fleet, spec, goal } = this.#plan;
    const { passenger } = this;
    const nowMs = fleet.ledger.nowMs();
    const record: SlotRecord = {
      slotId: fleet.newId(),
      version: 1,
      pool: spec.pool,
      specKey: spec.specKey,
      owner: fleet.replica,
      purpose: this.purpose,
      createdAtMs: nowMs,
      dueAtMs: nowMs + fleet.settings.leaseMs,
      hardEndsAtMs: nowMs + fleet.settings.maxLifeMs,
      state: { name: 'creating' },
    };
    this.slotId = record.slotId;
    return fleet.gate.enter({
      priority: passenger?.priority ?? this.#plan.priority,
      signal: this.#stop.signal,
      patient: this.passenger !== undefined,
      deadlineMs: passenger?.deadlineMs,
      reserve: (limits) => fleet.ledger.reserve(record, { ...limits, max: spec.runtime.pool.max, goal: goal() }),
      abandoned: (permit) => {
        permit.release({ kind: 'failed' });
        fleet.background(spec.pool, () => fleet.ledger.remove(permit.record));
      },
    });
  }

  async #undoCreate(hold: SlotHold, error: unknown): Promise<void> {
    const { fleet, spec } = this.#plan;
    const record = await hold.rest();
    if (!mayHaveCreated(error)) {
      await fleet.ledger.remove(record);
      return;
    }
    const nowMs = fleet.ledger.nowMs();
    const lost = await fleet.ledger.write({ ...record, dueAtMs: nowMs, state: { name: 'lost', lostAtMs: nowMs } });
    if (!lost) return;
    // Mostly the list knows at once. If not, whoever finds the record due looks again.
    await resolveLost(fleet, lost).catch((cause: Error) =>
      fleet.emit('background-error', { runtime: spec.pool, error: cause }),
    );
  }

  async #fly(craft: Craft): Promise<FlightEnd> {
    const { fleet, spec } = this.#plan;
    const { hold, sandbox, tier } = craft;
    const beganMs = fleet.clock.monotonicMs();
    const task: WarmUpTask = {
      runtime: spec.runtime,
      nodes: spec.nodes,
      sandbox,
      signal: this.#stop.signal,
      observer: this.way,
    };
    if (tier.origin === 'generic') await this.#specialise(task);
    if (tier.needs === 'verify') await verify(task);
    if (tier.needs === 'warm-up') await warmUp(task);
    if (tier.by === 'create' && isGeneric(spec))
      await fleet.sharing.bundle(spec.runtime.template, sandbox, task.signal);
    if (this.#captures(tier)) {
      // A link is a help, not a need.
      await this.way
        .during(capturePiece, () => fleet.links.capture(spec.specKey, sandbox))
        .catch((error: Error) => fleet.emit('background-error', { runtime: spec.pool, error }));
    } else this.way.end(capturePiece);
    this.#stop.signal.throwIfAborted();
    if (tier.by === 'create') fleet.measuredLead(spec.pool, 'hot', fleet.ledger.nowMs() - hold.record.createdAtMs);
    if (tier.origin === 'generic') fleet.measuredLead(spec.pool, 'generic', fleet.clock.monotonicMs() - beganMs);
    return this.passenger ? this.#board(this.passenger, craft) : this.#land(hold, sandbox);
  }

  /** Links the runtime's pack, and remembers what it stands for, so that only the rest is run. */
  async #specialise({ runtime, nodes, sandbox, signal, observer }: WarmUpTask): Promise<void> {
    const { sharing, clock } = this.#plan.fleet;
    if (!sharing.packOf(runtime)) return;
    observer.begin(linkPiece);
    await sharing.link(runtime, sandbox, signal, () => clock.monotonicMs());
    const provided = sharing.provided(runtime, nodes);
    if (provided.length > 0) await sandbox.run(providedScript(provided), { signal });
    observer.end(linkPiece);
  }

  #captures(tier: Tier): boolean {
    const { fleet, spec } = this.#plan;
    const fit = tier.origin === 'cold' || tier.origin === 'generic' || tier.origin === 'adopted';
    if (!fit || !spec.runtime.pool.link || !fleet.links.wanted(spec.specKey)) return false;
    return this.passenger === undefined || !this.#plan.othersCapture();
  }

  async #board(passenger: Passenger, { hold, sandbox, tier }: Craft): Promise<FlightEnd> {
    const { fleet } = this.#plan;
    const claim: ClaimRecord = { ...passenger.claim, source: tier.source };
    const nowMs = fleet.ledger.nowMs();
    const endsAtMs = await this.#ensureLife(hold.record, tier, passenger.lifeMs);
    await hold.write((record) => {
      if (!('place' in record.state)) throw new Fenced('The slot lost its sandbox.');
      const { place } = record.state;
      const dueAtMs = nowMs + fleet.settings.leaseMs;
      return {
        ...record,
        dueAtMs,
        pool: this.#plan.spec.pool,
        state: { name: 'claimed', place, claim, endsAtMs, hold: 'leased' },
      };
    });
    // From here on the claimant has it: nobody else can be given it.
    await this.way.during(personalisePiece, () => passenger.prepare(sandbox));
    const record = await hold.rest();
    this.#stop.signal.throwIfAborted();
    passenger.board(sandbox, record, claim);
    return { kind: 'boarded' };
  }

  /** Makes sure that the sandbox lives as long as the claim asks for. @returns when it ends */
  async #ensureLife({ state, createdAtMs }: SlotRecord, tier: Tier, lifeMs: number): Promise<number> {
    const { ledger, provider, settings } = this.#plan.fleet;
    const nowMs = ledger.nowMs();
    const resumed = tier.origin === 'parked' || tier.origin === 'affinity';
    const known =
      state.name === 'claimed' && !resumed ? state.endsAtMs : (resumed ? nowMs : createdAtMs) + settings.slotLifeMs;
    if (known - nowMs >= lifeMs || !('place' in state)) return known;
    await provider.setTimeout(state.place.sandboxId, lifeMs);
    return nowMs + lifeMs;
  }

  async #land(hold: SlotHold, sandbox: ProviderSandbox): Promise<FlightEnd> {
    const { fleet } = this.#plan;
    const { slotLifeMs, parkedLifeMs } = fleet.settings;
    const park = this.purpose === 'parked' && fleet.provider.pause !== undefined;
    if (park) await fleet.provider.pause?.(sandbox.sandboxId);
    const nowMs = fleet.ledger.nowMs();
    await hold.write((record) => {
      if (!('place' in record.state)) throw new Fenced('The slot lost its sandbox.');
      const { place } = record.state;
      if (park) {
        const hardEndsAtMs = nowMs + parkedLifeMs;
        return {
          ...record,
          purpose: 'parked',
          dueAtMs: hardEndsAtMs,
          hardEndsAtMs,
          state: { name: 'parked', place, parkedAtMs: nowMs },
        };
      }
      const endsAtMs = Math.min(record.hardEndsAtMs, record.createdAtMs + slotLifeMs);
      const dueAtMs = Math.max(nowMs, Math.round(endsAtMs - slotLifeMs / 3));
      return { ...record, purpose: 'hot', dueAtMs, state: { name: 'hot', place, hotSinceMs: nowMs, endsAtMs } };
    });
    await hold.rest();
    return { kind: 'pooled' };
  }

  /** Cleans up after a flight that failed with a sandbox in hand. */
  async #crash(craft: Craft, error: unknown): Promise<void> {
    const { fleet, spec } = this.#plan;
    if (!(error instanceof Fenced)) await this.#abandon(craft.hold);
    const { link } = craft;
    // Whatever the reason, the next one is built from the template: a link is a help only while it works.
    if (link && !this.#stop.signal.aborted) fleet.background(spec.pool, () => fleet.links.drop(link));
  }

  async #abandon(hold: SlotHold): Promise<void> {
    const { fleet, spec } = this.#plan;
    const record = await hold.rest();
    const reason = this.#stop.signal.aborted ? 'claim_cancelled' : 'warm_up_failed';
    // A kill that fails is tried again by whoever finds the record due.
    await retire(fleet, record, reason).catch((error: Error) =>
      fleet.emit('background-error', { runtime: spec.pool, error }),
    );
  }

  #setWay(origin: Tier['origin']): void {
    const { fleet, spec } = this.#plan;
    const link = origin === 'generic' && fleet.sharing.packOf(spec.runtime) !== undefined;
    const provided = new Set(link ? fleet.sharing.provided(spec.runtime, spec.nodes) : []);
    const nodes = spec.nodes.filter((node) => !provided.has(node));
    const capture = origin === 'cold' && spec.runtime.pool.link && fleet.links.wanted(spec.specKey);
    this.way.set(wayOf({ origin, nodes, link, capture, specKey: spec.specKey, durations: fleet.durations }));
  }
}

const adoptedTier: Tier = { origin: 'adopted', source: 'cold', by: 'create', needs: 'verify' };

function isLast(tier: Tier): boolean {
  return tier === adoptedTier || tier === tiers.at(-1);
}

/** A sandbox of a warmer tier that is not what it should be is no reason to fail: a colder tier may do. */
function fallsThrough(tier: Tier, error: unknown): boolean {
  if (!(error instanceof ProviderError)) return tier.needs === 'verify' && !(error instanceof Fenced);
  return (
    error.failure === 'gone' || error.failure === 'failed' || error.failure === 'timeout' || error.failure === 'lost'
  );
}

function outcomeOf(error: unknown): Parameters<Permit['release']>[0] {
  if (error instanceof ProviderError && error.failure === 'capacity') return { kind: 'capacity' };
  if (error instanceof ProviderError && error.failure === 'rate')
    return { kind: 'rate', retryAfterMs: error.retryAfterMs };
  return { kind: 'failed' };
}
