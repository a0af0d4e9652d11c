import { Alarm } from '../alarm.js';
import type { Clock } from '../clock.js';
import { QuotaError } from '../errors.js';
import type { CreateRate, ReserveResult } from '../ledger/ledger.js';
import type { SlotRecord } from '../ledger/record.js';
import {
  afterLostProbe,
  afterProbe,
  afterRefusal,
  afterSight,
  type Ceiling,
  openCeiling,
  roomUnder,
  whileProbing,
} from './ceiling.js';

/** Who goes first. A lower number never waits behind a higher one. */
export const priorities = { interactive: 0, background: 1, intent: 2, refill: 3, parked: 4 } as const;
export type Priority = (typeof priorities)[keyof typeof priorities];

export interface GateSettings {
  readonly createsPerSecond: number;
  readonly burst: number;
  readonly maxConcurrentCreates: number;
  readonly maxSandboxes: number;
  readonly probeAfterMs: number;
}

/** Somebody who wants to create a sandbox. */
export interface Applicant {
  readonly priority: Priority;
  readonly signal: AbortSignal;
  /** Waits at the bounds of its own pool until there is room; one who does not is turned away. All wait for the provider. */
  readonly patient: boolean;
  /** @throws QuotaError when it is over */
  readonly deadlineMs?: number | undefined;
  reserve(limits: { running: number; rate: CreateRate }): Promise<ReserveResult>;
  /** Gets the permit of one who left while the record was being written, and undoes it. */
  abandoned(permit: Permit): void;
}

/** The right to one create call. Given back with what came of it. */
export interface Permit {
  readonly record: SlotRecord;
  release(outcome: CreateOutcome): void;
}

export type CreateOutcome =
  | { readonly kind: 'created' }
  | { readonly kind: 'capacity' }
  | { readonly kind: 'rate'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'failed' };

/** Turned away at a bound by which it does not wait. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
  readonly bound: 'max' | 'goal' | 'running';

  constructor(bound: 'max' | 'goal' | 'running') {
    super(`No room: ${bound}`);
    this.bound = bound;
  }
}

/** How often one who waits at a bound looks whether there is room, in milliseconds. */
const lookAgainMs = 1_000;

interface Entry extends Applicant {
  /** The round in which it met a bound of its pool; it is not asked again in the same round. */
  boundIn: number;
  bound: 'max' | 'goal' | 'running' | undefined;
  settle(result: { permit: Permit } | { error: unknown }): void;
}

/** The one way to a create call: whoever claims, refills or speculates stands in the same line. */
export class CreateGate {
  readonly #clock: Clock;
  readonly #settings: GateSettings;
  /** One queue per priority, in the order of arrival. */
  readonly #lines: readonly Set<Entry>[] = Object.values(priorities).map(() => new Set());
  readonly #alarm: Alarm;
  #ceiling: Ceiling = openCeiling;
  #underWay = 0;
  #round = 0;
  #notBeforeMs = 0;
  #pumping = false;
  #again = false;

  constructor(clock: Clock, settings: GateSettings) {
    this.#clock = clock;
    this.#settings = settings;
    this.#alarm = new Alarm(clock, () => this.wake(), true);
  }

  /** How many wait, and whether room is short. */
  state(): { waiting: number; limit: number | undefined; delayedMs: number } {
    return {
      waiting: this.#lines.reduce((sum, line) => sum + line.size, 0),
      limit: this.#ceiling.limit,
      delayedMs: Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs()),
    };
  }

  /** @throws {@link NoRoom}, {@link QuotaError} after the deadline, or the signal's reason */
  enter(applicant: Applicant): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const line = this.#lines[applicant.priority]!;
      const settle: Entry['settle'] = (result) => {
        if (!line.delete(entry)) return;
        cancelDeadline?.();
        applicant.signal.removeEventListener('abort', abort);
        if ('permit' in result) resolve(result.permit);
        else reject(result.error);
      };
      const entry: Entry = { ...applicant, boundIn: -1, bound: undefined, settle };
      const abort = () => settle({ error: applicant.signal.reason });
      line.add(entry);
      if (applicant.signal.aborted) return abort();
      applicant.signal.addEventListener('abort', abort, { once: true });
      const cancelDeadline =
        applicant.deadlineMs === undefined
          ? undefined
          : this.#clock.schedule(applicant.deadlineMs, () => settle({ error: this.#overdue(entry) }), true);
      void this.#pump();
    });
  }

  /** Something ended, so there may be room. */
  wake(): void {
    this.#round += 1;
    void this.#pump();
  }

  close(): void {
    this.#alarm.cancel();
    for (const line of this.#lines) for (const entry of line) entry.settle({ error: new NoRoom('running') });
  }

  async #pump(): Promise<void> {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#again) {
      this.#again = false;
      await this.#pass();
    }
    this.#pumping = false;
  }

  /** Goes along the line until it stops for all, or somebody new came who may go before. */
  async #pass(): Promise<void> {
    for (const line of this.#lines) {
      for (const entry of line) {
        if (entry.boundIn === this.#round) continue;
        if (this.#underWay >= this.#settings.maxConcurrentCreates) return;
        const delayMs = this.#notBeforeMs - this.#clock.monotonicMs();
        if (delayMs > 0) {
          this.#alarm.set(delayMs);
          return;
        }
        const goesOn = await this.#ask(entry, line);
        if (!goesOn || this.#again) return;
      }
    }
  }

  /** @returns whether those behind may be asked too */
  async #ask(entry: Entry, line: ReadonlySet<Entry>): Promise<boolean> {
    const room = roomUnder(this.#ceiling, this.#settings.maxSandboxes, this.#clock.monotonicMs());
    this.#underWay += 1;
    let result: ReserveResult;
    try {
      result = await entry.reserve({ running: room.running, rate: this.#rate(entry.priority) });
    } catch (error) {
      this.#underWay -= 1;
      entry.settle({ error });
      return true;
    }
    switch (result.kind) {
      case 'reserved':
        this.#admit(entry, line, result, room.probe && result.running >= room.running);
        return true;
      case 'exists':
        // A slot id is used once, so one that exists is this one, whose answer was lost on its way.
        this.#admit(entry, line, { ...result, running: room.running }, false);
        return true;
      case 'wait':
        this.#underWay -= 1;
        this.#alarm.set(result.retryInMs);
        return false;
      case 'full':
        this.#underWay -= 1;
        return this.#block(entry, result.bound, result.running);
    }
  }

  #admit(
    entry: Entry,
    line: ReadonlySet<Entry>,
    result: { record: SlotRecord; running: number },
    probe: boolean,
  ): void {
    if (probe) this.#ceiling = whileProbing(this.#ceiling);
    const { record, running } = result;
    let released = false;
    const permit: Permit = {
      record,
      release: (outcome) => {
        if (released) return;
        released = true;
        this.#underWay -= 1;
        this.#learn(outcome, running, probe);
        this.wake();
      },
    };
    // One who left the line meanwhile gets the permit all the same: the record is written and somebody must undo it.
    if (line.has(entry)) entry.settle({ permit });
    else entry.abandoned(permit);
  }

  #learn(outcome: CreateOutcome, running: number, probe: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    const { probeAfterMs, maxSandboxes } = this.#settings;
    if (outcome.kind === 'capacity') this.#ceiling = afterRefusal(this.#ceiling, running, nowMs, probeAfterMs);
    else if (outcome.kind === 'created' && probe) this.#ceiling = afterProbe(this.#ceiling, maxSandboxes, nowMs);
    else if (probe) this.#ceiling = afterLostProbe(this.#ceiling, nowMs, probeAfterMs);
    if (outcome.kind === 'rate') this.#notBeforeMs = nowMs + (outcome.retryAfterMs ?? 1_000);
  }

  /** @returns whether those behind may be asked: a bound of one pool is not one of the others, want of room is everybody's */
  #block(entry: Entry, bound: 'max' | 'goal' | 'running', running: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const seen = afterSight(this.#ceiling, running, nowMs);
    if (seen !== this.#ceiling) {
      this.#ceiling = seen;
      this.#again = true;
      return true;
    }
    if (!entry.patient && bound !== 'running') {
      entry.settle({ error: new NoRoom(bound) });
      return true;
    }
    entry.bound = bound;
    entry.boundIn = this.#round;
    // What another process retires is not told; the time for a probe may come before that.
    const delayMs = this.#ceiling.probeAtMs - nowMs;
    this.#alarm.set(delayMs > 0 ? Math.min(delayMs, lookAgainMs) : lookAgainMs);
    return bound !== 'running';
  }

  #rate(priority: Priority): CreateRate {
    const { createsPerSecond, burst } = this.#settings;
    return { perSecond: createsPerSecond, burst, leave: priority <= priorities.background ? 0 : 1 };
  }

  #overdue(entry: Entry): QuotaError {
    const why = {
      max: 'its pool has as many sandboxes as "pool.max" allows',
      goal: 'its pool is full',
      running: 'the provider has no room for more sandboxes',
      rate: 'creates are limited by "budget.createsPerSecond"',
    }[entry.bound ?? 'rate'];
    return new QuotaError(
      `The claim waited ${entry.deadlineMs} ms for its turn and none came: ${why}. ` +
        'Retire claims that are no longer used, raise that limit, or ask for a higher plan.',
    );
  }
}
