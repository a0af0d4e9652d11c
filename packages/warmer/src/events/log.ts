import type { WireEvent } from '@pilotlight/warming/wire';

/** An event before it has its place in the stream. */
export type EventDraft = WireEvent extends infer Event
  ? Event extends WireEvent
    ? Omit<Event, 'id' | 'atMs'>
    : never
  : never;

/** Who may see an event. */
export type EventAudience =
  | { kind: 'tenant'; tenant: string; claimId?: string | undefined }
  /** Numbers of a shared pool: everyone with the scope to read pools. */
  | { kind: 'everyone' }
  | { kind: 'operator' };

export interface LoggedEvent {
  event: WireEvent;
  audience: EventAudience;
}

/**
 * The ordered stream of events of one service, whatever the number of its replicas.
 *
 * An id grows along the stream and never comes back, also over a restart or a clock that jumps backwards.
 */
export interface EventLog {
  /** Adds an event and brings it to every subscriber of every replica. Never throws; at most once. */
  append(draft: EventDraft, audience: EventAudience): void;
  /** Id of the newest event here. */
  head(): string;
  /** Events after an id; undefined when some of them are no longer kept. */
  after(id: string): readonly LoggedEvent[] | undefined;
  subscribe(listener: (logged: LoggedEvent) => void): () => void;
  close(): Promise<void>;
}

/** Negative when `first` stands before `second` in the stream. */
export function compareEventIds(first: string, second: string): number {
  // Each follower of each burst is compared: without a list for each id.
  const [firstGap, secondGap] = [first.indexOf('-'), second.indexOf('-')];
  return (
    Number(first.slice(0, firstGap)) - Number(second.slice(0, secondGap)) ||
    Number(first.slice(firstGap + 1)) - Number(second.slice(secondGap + 1))
  );
}

/** The next id: never below the last one, whatever the clock says. */
export function nextEventId(last: string, nowMs: number): string {
  const [lastMs = 0, lastNumber = 0] = last.split('-').map(Number);
  return nowMs > lastMs ? `${nowMs}-0` : `${lastMs}-${lastNumber + 1}`;
}
