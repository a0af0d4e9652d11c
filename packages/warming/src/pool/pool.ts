import { Alarm } from '../alarm.js';
import { NoRoom, priorities } from '../budget/gate.js';
import { afterFailure, afterSuccess, freshStart, type SlowStart } from '../budget/slow-start.js';
import type { SlotRecord } from '../ledger/record.js';
import { ProviderError } from '../provider.js';
import { countsOf, type PoolCounts, seenFlights } from './counts.js';
import type { Fleet } from './fleet.js';
import { Flight } from './flight.js';
import { Fenced } from './hold.js';
import type { FlightEnd } from './passenger.js';
import { perform } from './perform.js';
import { type PoolPlan, planPool } from './plan.js';
import { claimErrorOf, worthAnotherTry } from './provider-errors.js';
import type { PoolSpec } from './spec.js';
import type { Waiter } from './waiter.js';

/** Sandboxes tried for one claim before it fails. */
const mostTries = 3;
/** Wait of a pool that asked for more than its bounds allow, in milliseconds. */
const turnedAwayMs = 1_000;
const backOff = { firstMs: 500, longestMs: 60_000 };

/** One pool in this process: carries out what {@link planPool} decides, one round at a time, woken by events. */
export class Pool {
  readonly #fleet: Fleet;
  readonly #targets: () => { hot: number; parked: number };
  readonly #flights = new Set<Flight>();
  readonly #waiters = new Set<Waiter>();
  #spec: PoolSpec;
  #definedAtMs: number;
  #slowStart: SlowStart = freshStart;
  #counts: PoolCounts = { hot: 0, parked: 0, warming: 0, claimed: 0 };
  #announced = '';
  #aging = 0;
  #draining = false;
  #round: Promise<void> | undefined;
  #again = false;
  readonly #alarm: Alarm;
  #closed = false;
  paused = false;

  constructor(fleet: Fleet, spec: PoolSpec, targets: () => { hot: number; parked: number }) {
    this.#fleet = fleet;
    this.#spec = spec;
    this.#targets = targets;
    this.#definedAtMs = fleet.ledger.nowMs();
    this.#alarm = new Alarm(fleet.clock, () => this.#start());
  }

  get spec(): PoolSpec {
    return this.#spec;
  }

  get counts(): PoolCounts {
    return this.#counts;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** The runtime changed and no sandbox of the new spec has become hot yet. */
  get draining(): boolean {
    return this.#draining;
  }

  get failing(): boolean {
    return this.#slowStart.failures > 0;
  }

  get targets(): { hot: number; parked: number } {
    const { hot, parked } = this.#targets();
    const { max } = this.#spec.runtime.pool;
    return { hot: Math.min(hot, max), parked: Math.min(parked, max) };
  }

  /** Plans the next round now, or after a delay. Many calls make one round. */
  wake(delayMs = 0): void {
    if (this.#closed) return;
    if (delayMs > 0) this.#alarm.set(delayMs);
    else this.#start();
  }

  /** A claim joins a flight that has nobody on board, or gets its own. */
  enqueue(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.#board(waiter);
    this.wake();
  }

  /** A claim gives up. Its sandbox stays for the pool if the pool wants one, else it is retired; resolves after that. */
  async leave(waiter: Waiter): Promise<void> {
    this.#waiters.delete(waiter);
    const flight = waiter.detach();
    if (!flight) return;
    const others = [...this.#flights].filter(
      (other) => other !== flight && other.purpose === 'hot' && !other.passenger,
    );
    const wanted = !this.paused && this.targets.hot > this.#counts.hot + others.length;
    if (wanted && flight.recorded) flight.purpose = 'hot';
    else flight.abort(new Error('The claim was cancelled.'));
    if (!wanted) await flight.done;
    this.wake();
  }

  /** The runtime changed: what is under way for the old spec is called off, and whoever waits gets the new one. */
  redefine(spec: PoolSpec): void {
    const changed = spec.specKey !== this.#spec.specKey;
    this.#spec = spec;
    if (changed) {
      this.#definedAtMs = this.#fleet.ledger.nowMs();
      this.#slowStart = freshStart;
      this.#draining = true;
      for (const flight of this.#flights) flight.abort(new Error('The runtime changed.'));
    }
    this.wake();
  }

  /** Ends what is under way. Resolves when nothing of it is left. */
  async close(error: Error): Promise<void> {
    this.#closed = true;
    this.#alarm.cancel();
    for (const waiter of this.#waiters) {
      waiter.detach();
      waiter.warming.fail(error);
    }
    this.#waiters.clear();
    for (const flight of this.#flights) flight.abort(error);
    await Promise.all([...this.#flights].map((flight) => flight.done));
    await this.#round;
    this.#fleet.keeper.see(this.#spec.pool, []);
  }

  #start(): void {
    this.#again = true;
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined;
    });
  }

  async #rounds(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#reconcile();
      } catch (error) {
        this.#fleet.emit('background-error', { runtime: this.#spec.pool, error: error as Error });
        this.wake(backOff.firstMs);
      }
    }
  }

  async #reconcile(): Promise<void> {
    const { ledger, links, provider, settings, clock } = this.#fleet;
    const spec = this.#spec;
    const slots = await ledger.view(spec.pool);
    const linkMissing = spec.runtime.pool.link && spec.nodes.length > 0 && (await links.missing(spec.specKey));
    const seen = seenFlights(this.#flights, slots);
    const nowMs = ledger.nowMs();
    const plan = planPool({
      nowMs,
      specKey: spec.specKey,
      definedAtMs: this.#definedAtMs,
      onSpecChange: spec.runtime.pool.onSpecChange,
      slots,
      targets: this.targets,
      ...seen,
      max: spec.runtime.pool.max,
      linkMissing,
      linkComing: linkMissing && [...this.#flights].some((flight) => flight.recorded),
      window: this.#slowStart.window,
      notBeforeMs: nowMs + this.#slowStart.notBeforeMs - clock.monotonicMs(),
      paused: this.paused,
      canPause: provider.pause !== undefined,
      replaceBeforeMs: settings.slotLifeMs / 3,
    });
    this.#aging = plan.aging;
    if (this.#closed) return;
    this.#serve(slots);
    this.#perform(plan);
    this.#count(slots);
    if (plan.wakeAtMs !== undefined) this.wake(Math.max(1, plan.wakeAtMs - nowMs));
  }

  #perform(plan: PoolPlan): void {
    perform(this.#fleet, this.#spec.pool, plan, () => this.wake());
    for (const record of plan.adopt) this.#fleet.background(this.#spec.pool, () => this.#adopt(record));
    const idle = [...this.#flights].filter((flight) => flight.purpose === 'hot' && !flight.passenger);
    for (const flight of idle.slice(0, plan.callOff)) flight.abort(new Error('The pool has enough.'));
    for (let index = 0; index < plan.create.hot; index += 1) this.#launch('hot');
    for (let index = 0; index < plan.create.parked; index += 1) this.#launch('parked');
  }

  async #adopt(record: SlotRecord): Promise<void> {
    const { ledger, replica, settings } = this.#fleet;
    const mine = await ledger.write({ ...record, owner: replica, dueAtMs: ledger.nowMs() + settings.leaseMs });
    if (mine && !this.#closed) this.#launch(mine.purpose === 'parked' ? 'parked' : 'hot', mine);
  }

  #board(waiter: Waiter): void {
    waiter.tries += 1;
    const free = [...this.#flights].find((flight) => flight.recorded && flight.purpose === 'hot' && !flight.passenger);
    if (free) {
      waiter.attach(free);
      return;
    }
    // A refill that has not begun would stand in line behind this claim, and may cost a fraction after it.
    const waiting = [...this.#flights].find(
      (flight) => !flight.recorded && flight.purpose === 'hot' && !flight.passenger,
    );
    waiting?.abort(new Error('A claim goes first.'));
    waiter.attach(this.#launch('claim', undefined, waiter));
  }

  #launch(purpose: 'claim' | 'hot' | 'parked', adopted?: SlotRecord, passenger?: Waiter): Flight {
    const flight: Flight = new Flight(
      {
        fleet: this.#fleet,
        spec: this.#spec,
        purpose,
        priority: purpose === 'parked' ? priorities.parked : priorities.refill,
        goal: () => this.#goal(purpose),
        ...(adopted ? { adopted } : {}),
        othersCapture: () => [...this.#flights].some((other) => other !== flight && other.recorded && !other.passenger),
      },
      passenger,
    );
    this.#flights.add(flight);
    void flight.done.then((end) => this.#ended(flight, end));
    return flight;
  }

  #goal(purpose: 'claim' | 'hot' | 'parked'): number {
    if (purpose === 'parked') return this.targets.parked;
    const carrying = [...this.#flights].filter(
      (flight) => flight.recorded && flight.purpose === 'hot' && flight.passenger,
    ).length;
    return this.targets.hot + carrying + this.#aging;
  }

  #ended(flight: Flight, end: FlightEnd): void {
    this.#flights.delete(flight);
    const waiter = [...this.#waiters].find((candidate) => candidate.flight === flight);
    waiter?.detach();
    if (waiter && end.kind === 'boarded') this.#waiters.delete(waiter);
    if (end.kind === 'failed') this.#failed(end.error, waiter);
    else if (end.kind === 'grounded') {
      if (waiter && !this.#closed && !waiter.warming.settled) this.#board(waiter);
    } else this.#slowStart = afterSuccess(this.#slowStart);
    // A claimant who got on a moment after the flight had landed in the pool finds the sandbox there.
    if (waiter && end.kind === 'pooled') this.#board(waiter);
    // Turned away: the plan and the ledger see the same soon, and asking again at once would go in circles.
    this.wake(end.kind === 'grounded' && end.error instanceof NoRoom ? turnedAwayMs : 0);
  }

  #failed(error: unknown, waiter: Waiter | undefined): void {
    const { clock, provider } = this.#fleet;
    const short = error instanceof ProviderError && (error.failure === 'capacity' || error.failure === 'rate');
    if (!short) this.#slowStart = afterFailure(this.#slowStart, backOff, clock.monotonicMs(), this.#fleet.random());
    const again = short || worthAnotherTry(error) || error instanceof Fenced;
    const cause = claimErrorOf(error, provider.name);
    if (!waiter) {
      this.#fleet.emit('background-error', { runtime: this.#spec.pool, error: cause });
      return;
    }
    if (again && (short ? waiter.deadlineMs > 0 : waiter.tries < mostTries)) {
      this.#board(waiter);
      return;
    }
    this.#waiters.delete(waiter);
    waiter.warming.fail(cause);
  }

  /** A claim that stands in line takes a slot that became hot meanwhile. */
  #serve(slots: readonly SlotRecord[]): void {
    let hot = slots.filter((record) => record.state.name === 'hot' && record.specKey === this.#spec.specKey).length;
    for (const waiter of this.#waiters) {
      if (hot === 0) return;
      if (!waiter.flight?.inLine) continue;
      hot -= 1;
      waiter.tries -= 1;
      waiter.detach()?.abort(new Error('A hot sandbox came first.'));
      this.#board(waiter);
    }
  }

  #count(slots: readonly SlotRecord[]): void {
    this.#counts = countsOf(slots, this.#spec.specKey);
    if (this.#counts.hot > 0) this.#draining = false;
    const hot = slots.flatMap(({ state }) => (state.name === 'hot' ? [state.place] : []));
    this.#fleet.keeper.see(this.#spec.pool, hot);
    const event = { runtime: this.#spec.pool, target: this.targets.hot, ...this.#counts };
    const text = JSON.stringify(event);
    if (text === this.#announced) return;
    this.#announced = text;
    this.#fleet.emit('pool-changed', event);
  }
}
