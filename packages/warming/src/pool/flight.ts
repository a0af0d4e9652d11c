import { NoRoom } from '../budget/gate.js';
import { WayTracker } from '../claim/way-tracker.js';
import type { SlotPurpose } from '../ledger/record.js';
import { ProviderError } from '../provider.js';
import { verify, type WarmUpTask, warmUp } from '../warm-up/execute.js';
import { providedScript } from '../warm-up/scripts.js';
import { capturePiece, linkPiece } from '../warm-up/way.js';
import { Fenced } from './hold.js';
import { board, land } from './landing.js';
import type { Craft, FlightEnd, FlightPlan, Journey, Passenger } from './passenger.js';
import { isGeneric } from './spec.js';
import { crash, createSandbox, resumeSlot, setWay } from './take-off.js';
import { type Tier, tiers } from './tiers.js';

/** Brings one sandbox from nothing, or from a colder tier, to a claimant or into the pool. It leaves nothing behind when it fails. */
export class Flight implements Journey {
  readonly plan: FlightPlan;
  readonly way: WayTracker;
  readonly done: Promise<FlightEnd>;
  passenger: Passenger | undefined;
  purpose: SlotPurpose;
  recorded = false;
  slotId: string | undefined;
  inLine = false;
  readonly #stop = new AbortController();

  constructor(plan: FlightPlan, passenger?: Passenger) {
    this.plan = plan;
    this.purpose = plan.purpose;
    this.passenger = passenger;
    const { fleet, spec } = plan;
    this.way = new WayTracker(fleet.clock, fleet.durations, spec.specKey);
    setWay(this, plan.adopted ? 'adopted' : 'cold');
    this.done = this.#run();
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
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
        if (craft) await crash(this, craft, error);
        if (error instanceof NoRoom || this.#stop.signal.aborted) return { kind: 'grounded', error };
        if (isLast(tier) || !fallsThrough(tier, error)) return { kind: 'failed', error };
      }
    }
    return { kind: 'failed', error: new TypeError('The cold tier always has something.') };
  }

  #tiers(): readonly Tier[] {
    if (this.plan.adopted) return [adoptedTier];
    return tiers.filter((tier) => tier.by === 'create' || this.passenger);
  }

  /** Comes by a sandbox of a tier. Undefined when the tier has none. */
  async #takeOff(tier: Tier): Promise<Craft | undefined> {
    const { fleet, spec, adopted } = this.plan;
    if (adopted) return resumeSlot(this, adopted, tier);
    if (tier.by === 'take') {
      const record = await this.passenger?.take(tier);
      // The pool of generic sandboxes has one less; its refill waits as any other does.
      if (record && record.pool !== spec.pool) {
        fleet.later(fleet.settings.refillDelayMs, record.pool, async () => fleet.changed(record.pool));
      }
      return record && resumeSlot(this, record, tier);
    }
    const link =
      tier.origin === 'linked' && spec.runtime.pool.link ? await fleet.links.resolve(spec.specKey) : undefined;
    if (tier.origin === 'linked' && !link) return undefined;
    setWay(this, tier.origin);
    return createSandbox(this, tier, link);
  }

  async #fly(craft: Craft): Promise<FlightEnd> {
    const { fleet, spec } = this.plan;
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
    return this.passenger ? board(this, this.passenger, craft) : land(this, hold, sandbox);
  }

  /** Links the runtime's pack, and remembers what it stands for, so that only the rest is run. */
  async #specialise({ runtime, nodes, sandbox, signal, observer }: WarmUpTask): Promise<void> {
    const { sharing, clock } = this.plan.fleet;
    if (!sharing.packOf(runtime)) return;
    observer.begin(linkPiece);
    await sharing.link(runtime, sandbox, signal, () => clock.monotonicMs());
    const provided = sharing.provided(runtime, nodes);
    if (provided.length > 0) await sandbox.run(providedScript(provided), { signal });
    observer.end(linkPiece);
  }

  #captures(tier: Tier): boolean {
    const { fleet, spec } = this.plan;
    const fit = tier.origin === 'cold' || tier.origin === 'generic' || tier.origin === 'adopted';
    if (!fit || !spec.runtime.pool.link || !fleet.links.wanted(spec.specKey)) return false;
    return this.passenger === undefined || !this.plan.othersCapture();
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
