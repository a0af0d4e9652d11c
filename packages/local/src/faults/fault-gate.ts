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
} from './decide.js';
import { type Ceilings, type FaultRule, type LatencyProfile, parseFaultOptions } from './fault-options.js';
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

export type Outcome<Answer> =
  | { kind: 'answered'; answer: Answer }
  | { kind: 'refused'; refusal: Refusal }
  /** The client must see its connection end without an answer. */
  | { kind: 'cut' };

/** What of an answer's meaning the gate needs. */
export interface Carrying<Answer> {
  /** `onRunning` may be called early, at the moment the host itself counts the sandbox. */
  perform: (onRunning: () => void) => Promise<Answer>;
  /** The sandboxes that began with this answer. */
  startedIds: (answer: Answer) => readonly string[];
}

export interface FaultReport {
  rules: (FaultRule & RuleCount)[];
  limits: Ceilings | null;
  latency: LatencyProfile | null;
}

/** Every request to the control plane passes here: late, refused, cut off or followed by a death, as was ordered. */
export class FaultGate {
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

  async pass<Answer>(given: ControlRequest, carrying: Carrying<Answer>): Promise<Outcome<Answer>> {
    const request = this.complete(given);
    const admission = this.admit(request);
    if (admission.kind === 'refused') {
      return admission;
    }
    this.count(request.operation, 1);
    // From here until it runs, or does not, a sandbox has its place under the ceiling.
    const place = { starts: startsSandbox(request.operation) ? (request.starts ?? 1) : 0 };
    this.places.add(place);
    try {
      return await this.play(request, carrying, () => this.places.delete(place));
    } finally {
      this.places.delete(place);
      this.count(request.operation, -1);
    }
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

  private async play<Answer>(
    request: ControlRequest,
    carrying: Carrying<Answer>,
    onRunning: () => void,
  ): Promise<Outcome<Answer>> {
    const { delayMs, verdict } = applyRules(this.rules, request, this.draws.of('rules'));
    const [lateMs, beganMs] = [this.latencyOf(request.operation), this.clock.nowMs()];
    if (delayMs > 0) {
      await this.clock.wait(delayMs, this.closing.signal);
    }
    switch (verdict.kind) {
      case 'cut':
        return { kind: 'cut' };
      case 'refuse':
        if (verdict.losesSandbox && request.sandboxId !== undefined) {
          await this.subjects.kill(request.sandboxId);
        }
        return { kind: 'refused', refusal: verdict.refusal };
      case 'carryOut': {
        const answer = await carrying.perform(onRunning);
        onRunning();
        this.orderDeaths(carrying.startedIds(answer), verdict.diesAfterMs);
        // The host's own time is part of the time that is played.
        const leftMs = lateMs - (this.clock.nowMs() - beganMs - delayMs);
        if (leftMs > 0) {
          await this.clock.wait(leftMs, this.closing.signal);
        }
        return verdict.losesAnswer ? { kind: 'cut' } : { kind: 'answered', answer };
      }
      default:
        return verdict satisfies never;
    }
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

/** The real clock; its timers keep no process alive. */
export const systemGateClock: GateClock = {
  nowMs: () => Date.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve(false);
        return;
      }
      const timer = setTimeout(() => finish(true), ms);
      timer.unref();
      const onAbort = () => finish(false);
      const finish = (isTime: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve(isTime);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    }),
};
