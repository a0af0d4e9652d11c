import type { WarmingEta, WarmingPhase } from '../claim.js';

/** A piece of the way to a hot sandbox, with what is known of how long it takes. */
export interface WayPiece {
  readonly name: string;
  readonly phase: WarmingPhase;
  /** The step it belongs to, for a person. */
  readonly step?: string | undefined;
  readonly after: readonly string[];
  readonly expected: WarmingEta;
}

/** When pieces of the way began and ended, on a clock that never falls. */
export interface WayState {
  readonly begun: ReadonlyMap<string, number>;
  readonly ended: ReadonlyMap<string, number>;
}

export interface WayMeasure {
  /** In [0, 1); 1 only once every piece ended. */
  readonly progress: number;
  readonly phase: WarmingPhase;
  readonly step: string | undefined;
  readonly eta: WarmingEta;
}

/** A piece that takes longer than expected stands still here until it ends. */
const mostOfPiece = 0.95;

/** How far a way has been gone: by expected work, and the time left by the longest chain of what is left. */
export function measureWay(pieces: readonly WayPiece[], state: WayState, nowMs: number): WayMeasure {
  let total = 0;
  let gone = 0;
  let current: WayPiece | undefined;
  const left = { p50: new Map<string, number>(), p90: new Map<string, number>() };
  let samples = Number.POSITIVE_INFINITY;
  for (const piece of pieces) {
    const { p50Ms, p90Ms } = piece.expected;
    const begunMs = state.begun.get(piece.name);
    const ended = state.ended.has(piece.name);
    const elapsedMs = begunMs === undefined ? 0 : Math.max(0, nowMs - begunMs);
    total += p50Ms;
    if (ended) gone += p50Ms;
    else if (begunMs !== undefined) gone += p50Ms * Math.min(mostOfPiece, elapsedMs / Math.max(1, p50Ms));
    if (begunMs !== undefined && !ended) current = piece;
    if (!ended) samples = Math.min(samples, piece.expected.samples);
    const before = (chains: Map<string, number>) => Math.max(0, ...piece.after.map((name) => chains.get(name) ?? 0));
    left.p50.set(piece.name, before(left.p50) + (ended ? 0 : Math.max(0, p50Ms - elapsedMs)));
    left.p90.set(piece.name, before(left.p90) + (ended ? 0 : Math.max(0, p90Ms - elapsedMs)));
  }
  current ??= pieces.find((piece) => !state.ended.has(piece.name));
  const longest = (chains: Map<string, number>) => Math.round(Math.max(0, ...chains.values()));
  const p50Ms = longest(left.p50);
  return {
    progress: total === 0 ? 0 : gone / total,
    phase: current?.phase ?? 'ready',
    step: current?.step,
    eta: { p50Ms, p90Ms: Math.max(p50Ms, longest(left.p90)), samples: Number.isFinite(samples) ? samples : 0 },
  };
}
