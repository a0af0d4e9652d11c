import type { WireEvent } from '@pilotlight/warming/wire';
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
export type EventSink = (told: ToldEvent) => void;

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

/** Brings events to those who follow them. */
export class EventHub {
  readonly log: EventLog;
  readonly #everything = new Map<EventSink, Sight>();
  readonly #byClaim = new Map<string, Set<EventSink>>();
  readonly #unsubscribe: () => void;

  constructor(log: EventLog) {
    this.log = log;
    this.#unsubscribe = log.subscribe((logged) => this.#deliver(logged));
  }

  /** Followers at the moment. */
  get size(): number {
    let size = this.#everything.size;
    for (const sinks of this.#byClaim.values()) size += sinks.size;
    return size;
  }

  followEverything(sight: Sight, sink: EventSink): () => void {
    this.#everything.set(sink, sight);
    return () => this.#everything.delete(sink);
  }

  /** The caller has checked that the claim may be seen. */
  followClaim(claimId: string, sink: EventSink): () => void {
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
    this.#everything.clear();
    this.#byClaim.clear();
  }

  #deliver(logged: LoggedEvent): void {
    const claimId = 'claimId' in logged.event ? logged.event.claimId : undefined;
    const sinks = claimId === undefined ? undefined : this.#byClaim.get(claimId);
    if (!sinks && this.#everything.size === 0) return;
    const told = new ToldEvent(logged.event);
    for (const sink of sinks ?? []) sink(told);
    for (const [sink, sight] of this.#everything) if (mayFollow(sight, logged)) sink(told);
  }
}

function isOfClaim({ event }: LoggedEvent, claimId: string): boolean {
  return 'claimId' in event && event.claimId === claimId;
}
