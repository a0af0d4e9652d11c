import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import {
  type Admission,
  type Allowance,
  admit,
  applyRules,
  type ControlRequest,
  type CountedRule,
  type Refusal,
  type RuleCount,
  type Verdict,
} from './decide.js';
import {
  type Ceilings,
  type FaultOptions,
  type FaultRule,
  type LatencyProfile,
  parseFaultOptions,
} from './fault-options.js';
import { latencyAt, quantilesOf } from './latency.js';
import { type ControlOperation, startsSandbox } from './operations.js';
import { SeededDraws } from './seeded-draws.js';

/** What the gate has to know of its host, and may do to it. */
export interface FaultSubjects {
  isPaused(sandboxId: string): boolean;
  runningCount(): number;
  /** Ends the sandbox without a word to anybody; one that is gone already is no error. */
  kill(sandboxId: string): Promise<void>;
}

export interface GateClock {
  nowMs(): number;
  /** Resolves early, with false, when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

export type Entry =
  /** To be carried out, and then to be left through the pass. */
  | { kind: 'carryOut'; pass: GatePass }
  | { kind: 'refused'; refusal: Refusal }
  /** The client must see its connection end without an answer. */
  | { kind: 'cut' };

/** A request between its entry and its answer. */
export interface GatePass {
  /** To be called when the host itself counts the sandboxes of this request; leaving does it at the latest. */
  running(): void;
  /** Waits as was ordered. `cut` means that the answer must not reach the client. */
  leave(startedIds: readonly string[]): Promise<'answer' | 'cut'>;
}

export interface FaultReport {
  rules: (FaultRule & RuleCount)[];
  limits: Ceilings | null;
  latency: LatencyProfile | null;
}

/** Faults on demand of a host in this process; the same as its admin API. */
export interface FaultControls {
  /** Adds rules; replaces ceilings and latency where they are given. @throws FaultOptionsError naming what is wrong */
  add(options: FaultOptions): FaultReport;
  report(): FaultReport;
  /** False when there is no rule of this id. */
  remove(id: string): boolean;
  /** Nothing is disturbed any more; deaths that were ordered still come. */
  clear(): void;
}

/** Every request to the control plane passes here: late, refused, cut off or followed by a death, as was ordered. */
export class FaultGate implements FaultControls {
  private rules: CountedRule[] = [];
  private ceilings: Ceilings | null = null;
  private latency: LatencyProfile | null = null;
  private allowance: Allowance = { creates: Number.POSITIVE_INFINITY, atMs: 0 };
  private draws = new SeededDraws(1);
  private latencyDraws = new SeededDraws(1);
  private readonly inFlight = new Map<ControlOperation, number>();
  private readonly places = new Set<{ starts: number }>();
  private readonly subjects: FaultSubjects;
  private readonly clock: GateClock;
  private readonly closing = new AbortController();

  constructor(subjects: FaultSubjects, clock: GateClock) {
    this.subjects = subjects;
    this.clock = clock;
    // One listener for every request that waits, and there may be thousands.
    setMaxListeners(0, this.closing.signal);
  }

  /** Adds rules; replaces ceilings and latency where they are given. @throws FaultOptionsError */
  add(value: unknown): FaultReport {
    const { rules, limits, latency, seed } = parseFaultOptions(value);
    if (seed !== undefined) {
      this.draws = new SeededDraws(seed);
    }
    const added = rules.map((rule) => ({ rule: { id: randomBytes(4).toString('hex'), ...rule }, count: newCount() }));
    const names = new Set(added.map(({ rule }) => rule.id));
    this.rules = [...this.rules.filter(({ rule }) => !names.has(rule.id)), ...added];
    if (limits !== undefined) {
      this.ceilings = limits;
      this.allowance = { creates: Number.POSITIVE_INFINITY, atMs: this.clock.nowMs() };
    }
    if (latency !== undefined) {
      this.latency = latency;
      this.latencyDraws = new SeededDraws(latency?.seed ?? 1);
    }
    return this.report();
  }

  report(): FaultReport {
    const rules = this.rules.map(({ rule, count }) => ({ ...rule, ...count }));
    return { rules, limits: this.ceilings, latency: this.latency };
  }

  /** False when there is no rule of this id. */
  remove(id: string): boolean {
    const left = this.rules.filter(({ rule }) => rule.id !== id);
    const isFound = left.length < this.rules.length;
    this.rules = left;
    return isFound;
  }

  /** Nothing is disturbed any more; deaths that were ordered still come. */
  clear(): void {
    this.rules = [];
    this.ceilings = null;
    this.latency = null;
  }

  async enter(given: ControlRequest): Promise<Entry> {
    const request = this.complete(given);
    const admission = this.admit(request);
    if (admission.kind === 'refused') {
      return admission;
    }
    // From here until it runs, or does not, a sandbox has its place under the ceiling.
    const place = { starts: startsSandbox(request.operation) ? (request.starts ?? 1) : 0 };
    this.places.add(place);
    this.count(request.operation, 1);
    const lateMs = this.latencyOf(request.operation);
    const { delayMs, verdict } = applyRules(this.rules, request, this.draws.of('rules'));
    if (delayMs > 0) {
      await this.clock.wait(delayMs, this.closing.signal);
    }
    if (verdict.kind === 'carryOut') {
      return { kind: 'carryOut', pass: this.passOf(request.operation, place, verdict, lateMs) };
    }
    this.places.delete(place);
    this.count(request.operation, -1);
    if (verdict.kind === 'cut') {
      return { kind: 'cut' };
    }
    if (verdict.losesSandbox && request.sandboxId !== undefined) {
      await this.subjects.kill(request.sandboxId);
    }
    return { kind: 'refused', refusal: verdict.refusal };
  }

  /** Ends every wait; what was ordered for later does not come any more. */
  close(): void {
    this.closing.abort();
  }

  private complete(request: ControlRequest): ControlRequest {
    const { operation, sandboxId } = request;
    const isResume = operation === 'connect' && sandboxId !== undefined && this.subjects.isPaused(sandboxId);
    return isResume ? { ...request, operation: 'resume' } : request;
  }

  private admit(request: ControlRequest): Admission {
    const waiting = [...this.places].reduce((sum, place) => sum + place.starts, 0);
    const running = this.subjects.runningCount() + waiting;
    const load = { nowMs: this.clock.nowMs(), running };
    const admission = admit(this.ceilings ?? {}, this.allowance, request, load);
    if (admission.kind === 'admitted') {
      this.allowance = admission.allowance;
    }
    return admission;
  }

  private passOf(
    operation: ControlOperation,
    place: { starts: number },
    verdict: Extract<Verdict, { kind: 'carryOut' }>,
    lateMs: number,
  ): GatePass {
    const beganMs = this.clock.nowMs();
    const running = () => {
      this.places.delete(place);
    };
    const leave = async (startedIds: readonly string[]) => {
      running();
      this.orderDeaths(startedIds, verdict.diesAfterMs);
      // The host's own time is part of the time that is played.
      const leftMs = lateMs - (this.clock.nowMs() - beganMs);
      if (leftMs > 0) {
        await this.clock.wait(leftMs, this.closing.signal);
      }
      this.count(operation, -1);
      return verdict.losesAnswer ? ('cut' as const) : ('answer' as const);
    };
    return { running, leave };
  }

  private latencyOf(operation: ControlOperation): number {
    if (!this.latency) {
      return 0;
    }
    const quantiles = quantilesOf(this.latency, operation, this.inFlight.get(operation) ?? 1);
    return quantiles ? this.latency.scale * latencyAt(quantiles, this.latencyDraws.of(operation)()) : 0;
  }

  private orderDeaths(ids: readonly string[], afterMs: number | undefined): void {
    if (afterMs === undefined) {
      return;
    }
    void this.clock.wait(afterMs, this.closing.signal).then(async (isTime) => {
      if (isTime) {
        await Promise.allSettled(ids.map((id) => this.subjects.kill(id)));
      }
    });
  }

  private count(operation: ControlOperation, change: number): void {
    this.inFlight.set(operation, (this.inFlight.get(operation) ?? 0) + change);
  }
}

function newCount(): RuleCount {
  return { matched: 0, applied: 0 };
}
