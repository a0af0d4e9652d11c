import type { WireEvent } from '@pilotlight/warming/wire';
import { Burst } from './burst.js';
import type { EventLog, LoggedEvent } from './log.js';
import { ToldEvent } from './told.js';

/** What a follower may see. */
export interface Sight {
  tenant: string;
  /** May it see numbers of shared pools? */
  pools: boolean;
  /** May it see every tenant? */
  operator: boolean;
}

/** Takes the events of one connection. */
export type EventSink = (burst: Burst) => void;

export function mayFollow(sight: Sight, { audience }: LoggedEvent): boolean {
  if (sight.operator) return true;
  switch (audience.kind) {
    case 'tenant':
      return audience.tenant === sight.tenant;
    case 'everyone':
      return sight.pools;
    case 'operator':
      return false;
  }
}

/** Nobody sees a progress bar move two milliseconds later. */
const gatherMs = 2;

interface Waiting {
  logged: LoggedEvent;
  told: ToldEvent;
}

/**
 * Brings events to those who follow them. What comes within a moment goes to each follower in one piece: the end of a warm-up
 * is five or six events, and a thousand followers take as many writes, not several thousand.
 */
export class EventHub {
  readonly log: EventLog;
  readonly #everything = new Map<EventSink, Sight>();
  readonly #byClaim = new Map<string, Set<EventSink>>();
  readonly #unsubscribe: () => void;
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: EventLog) {
    this.log = log;
    this.#unsubscribe = log.subscribe((logged) => this.#gather(logged));
  }

  /** Followers at the moment. */
  get size(): number {
    let size = this.#everything.size;
    for (const sinks of this.#byClaim.values()) size += sinks.size;
    return size;
  }

  /** From here on: what was told before, also a moment ago, is in {@link missed}. */
  followEverything(sight: Sight, sink: EventSink): () => void {
    this.flush();
    this.#everything.set(sink, sight);
    return () => this.#everything.delete(sink);
  }

  /** From here on. The caller has checked that the claim may be seen. */
  followClaim(claimId: string, sink: EventSink): () => void {
    this.flush();
    const sinks = this.#byClaim.get(claimId) ?? new Set();
    this.#byClaim.set(claimId, sinks.add(sink));
    return () => {
      sinks.delete(sink);
      if (sinks.size === 0 && this.#byClaim.get(claimId) === sinks) this.#byClaim.delete(claimId);
    };
  }

  /** What was missed since an event; undefined when it is no longer kept. */
  missed(sight: Sight, lastEventId: string, claimId?: string): WireEvent[] | undefined {
    return this.log
      .after(lastEventId)
      ?.filter((logged) => mayFollow(sight, logged) && (claimId === undefined || isOfClaim(logged, claimId)))
      .map((logged) => logged.event);
  }

  close(): void {
    this.#unsubscribe();
    this.flush();
    this.#everything.clear();
    this.#byClaim.clear();
  }

  /** Brings what waits for its moment at once. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const claims = new Map<string, ToldEvent[]>();
    for (const { logged, told } of waiting) {
      const claimId = claimOf(logged);
      if (claimId === undefined) continue;
      const events = claims.get(claimId);
      if (events) events.push(told);
      else claims.set(claimId, [told]);
    }
    for (const [claimId, events] of claims) {
      const burst = new Burst(events);
      for (const sink of this.#byClaim.get(claimId) ?? []) sink(burst);
    }
    const all = new Burst(waiting.map(({ told }) => told));
    for (const [sink, sight] of this.#everything) {
      const seen = waiting.filter(({ logged }) => mayFollow(sight, logged));
      if (seen.length === waiting.length) sink(all);
      else if (seen.length > 0) sink(new Burst(seen.map(({ told }) => told)));
    }
  }

  #gather(logged: LoggedEvent): void {
    const followed = this.#everything.size > 0 || this.#byClaim.has(claimOf(logged) ?? '');
    if (!followed) return;
    this.#waiting.push({ logged, told: new ToldEvent(logged.event) });
    this.#timer ??= setTimeout(() => this.flush(), gatherMs);
  }
}

function claimOf({ event }: LoggedEvent): string | undefined {
  return 'claimId' in event ? event.claimId : undefined;
}

function isOfClaim(logged: LoggedEvent, claimId: string): boolean {
  return claimOf(logged) === claimId;
}
