import { Heap } from 'heap-js';
import { decodeState, encodeState } from './state-codec.js';
import type { Decision, Explanation, Observation, TargetPolicy } from './target.js';
import { TargetBook } from './target-book.js';
import { checkedNumber, TimeLine } from './time-line.js';

const VERSION = 1;
const TICK = 1e-5;

/** What a family answers for one runtime: how many to keep, and when that may change by itself. */
export interface Wanted {
  hot: number;
  nextSeconds?: number | undefined;
}

/** A family that decides each runtime from that runtime's own claims. The policy around it keeps time, book and state. */
export interface BasicFamily<State> {
  readonly name: string;
  /** State of a runtime at its first observation. */
  start(nowSeconds: number): State;
  claim(state: State, nowSeconds: number, leadSeconds: number, key: string): void;
  want(state: State, nowSeconds: number, leadSeconds: number, key: string): Wanted;
  reason(state: State, nowSeconds: number): string;
}

interface Entry<State> {
  leadSeconds: number;
  minHot: number;
  maxHot: number;
  version: number;
  claims: number;
  state: State;
}

/** {@link TargetPolicy} over a {@link BasicFamily}. */
export class BasicPolicy<State> implements TargetPolicy {
  readonly name: string;
  private readonly family: BasicFamily<State>;
  private readonly defaultLeadSeconds: number;
  private readonly maxHot: number;
  private readonly time = new TimeLine();
  private readonly book = new TargetBook();
  private entries = new Map<string, Entry<State>>();
  private readonly wakes = new Heap<{ at: number; key: string; version: number }>((a, b) => a.at - b.at);

  constructor(family: BasicFamily<State>, options: { defaultLeadSeconds?: number; maxHot?: number } = {}) {
    this.family = family;
    this.name = family.name;
    this.defaultLeadSeconds = checkedNumber('defaultLeadSeconds', options.defaultLeadSeconds ?? 15, 0);
    this.maxHot = checkedNumber('maxHot', options.maxHot ?? 500, 0);
  }

  observe(observation: Observation): void {
    const now = this.time.advance(observation.atMs);
    if (observation.kind === 'idle') return;
    if (observation.kind === 'runtime-removed') {
      this.entries.delete(observation.key);
      this.book.drop(observation.key);
      return;
    }
    const entry = this.entry(observation.key, now);
    if (observation.kind === 'claim') {
      entry.claims++;
      this.family.claim(entry.state, now, entry.leadSeconds, observation.key);
    } else if (observation.kind === 'lead' && observation.tier === 'hot') {
      const measured = checkedNumber('measuredMs', observation.measuredMs, 0) / 1000;
      entry.leadSeconds += 0.3 * (measured - entry.leadSeconds);
    } else if (observation.kind === 'runtime') {
      if (observation.leadMs) entry.leadSeconds = checkedNumber('leadMs.hot', observation.leadMs.hot, 0) / 1000;
      entry.minHot = checkedNumber('bounds.minHot', observation.bounds?.minHot ?? entry.minHot, 0);
      entry.maxHot = checkedNumber('bounds.maxHot', observation.bounds?.maxHot ?? entry.maxHot, 0);
    }
    this.retarget(observation.key, entry, now);
  }

  decide(atMs: number, options: { full?: boolean } = {}): Decision {
    const now = this.time.advance(atMs);
    for (let wake = this.wakes.peek(); wake && wake.at <= now + TICK; wake = this.wakes.peek()) {
      this.wakes.pop();
      const entry = this.entries.get(wake.key);
      if (entry?.version === wake.version) this.retarget(wake.key, entry, Math.max(now, wake.at));
    }
    const next = this.nextWake();
    return {
      atMs: now * 1000,
      changed: this.book.take(options.full ?? false),
      generic: undefined,
      wakeAtMs: next === undefined ? undefined : next * 1000,
    };
  }

  explain(key: string, atMs: number): Explanation | undefined {
    const entry = this.entries.get(key);
    const target = this.book.get(key);
    if (!entry || !target) return undefined;
    return {
      key,
      policy: this.name,
      target,
      claimWithin10MinProbability: 0,
      claimsPerHour: 0,
      coldStartValueSeconds: 0,
      holdAbovePerSecond: 0,
      ownHistoryShare: 1,
      reasons: [this.family.reason(entry.state, this.time.peek(atMs))],
    };
  }

  save(): Uint8Array {
    return encodeState(this.name, VERSION, { seconds: this.time.seconds, entries: this.entries });
  }

  restore(bytes: Uint8Array): void {
    const state = decodeState(this.name, VERSION, bytes) as { seconds: number; entries: Map<string, Entry<State>> };
    this.entries = state.entries;
    this.time.seconds = state.seconds;
    if (Number.isFinite(state.seconds)) {
      for (const [key, entry] of this.entries) this.retarget(key, entry, state.seconds);
    }
  }

  size(): { bytes: number; runtimes: number; units: number } {
    return { bytes: this.save().length, runtimes: this.entries.size, units: this.entries.size };
  }

  private entry(key: string, now: number): Entry<State> {
    const known = this.entries.get(key);
    if (known) return known;
    const entry: Entry<State> = {
      leadSeconds: this.defaultLeadSeconds,
      minHot: 0,
      maxHot: this.maxHot,
      version: 0,
      claims: 0,
      state: this.family.start(now),
    };
    this.entries.set(key, entry);
    return entry;
  }

  private retarget(key: string, entry: Entry<State>, now: number): void {
    const wanted = this.family.want(entry.state, now, entry.leadSeconds, key);
    const hot = Math.min(entry.maxHot, Math.max(entry.minHot, wanted.hot));
    this.book.put({ key, hot, parked: 0, generic: false, marginalValueSeconds: entry.claims });
    entry.version++;
    if (wanted.nextSeconds !== undefined) {
      this.wakes.push({ at: Math.max(wanted.nextSeconds, now + 0.001), key, version: entry.version });
    }
  }

  private nextWake(): number | undefined {
    for (let wake = this.wakes.peek(); wake; wake = this.wakes.peek()) {
      if (this.entries.get(wake.key)?.version === wake.version) return wake.at;
      this.wakes.pop();
    }
    return undefined;
  }
}
