/** What is known of the provider's concurrency limit. It answers "no room" without saying how much there is. */
export interface Ceiling {
  /** Learned; undefined while nothing contradicts the declared limit. */
  readonly limit: number | undefined;
  /** When one start beyond the limit may be tried. */
  readonly probeAtMs: number;
  readonly probing: boolean;
}

export const openCeiling: Ceiling = { limit: undefined, probeAtMs: 0, probing: false };

/** How many may run, and whether the last of them would be the one probe. */
export function roomUnder(ceiling: Ceiling, declared: number, nowMs: number): { running: number; probe: boolean } {
  if (ceiling.limit === undefined) return { running: declared, probe: false };
  const probe = !ceiling.probing && nowMs >= ceiling.probeAtMs;
  return { running: Math.min(declared, ceiling.limit + (probe ? 1 : 0)), probe };
}

/** A start was refused for want of room when this many were running, itself included. */
export function afterRefusal(ceiling: Ceiling, running: number, nowMs: number, probeAfterMs: number): Ceiling {
  return {
    limit: Math.min(ceiling.limit ?? Number.POSITIVE_INFINITY, Math.max(0, running - 1)),
    probeAtMs: nowMs + probeAfterMs,
    probing: false,
  };
}

/** The probe is on its way; there is exactly one. */
export function whileProbing(ceiling: Ceiling): Ceiling {
  return { ...ceiling, probing: true };
}

/** The probe started: there is more room than was thought, and the next one may be tried at once. */
export function afterProbe(ceiling: Ceiling, declared: number, nowMs: number): Ceiling {
  if (ceiling.limit === undefined || ceiling.limit + 1 >= declared) return openCeiling;
  return { limit: ceiling.limit + 1, probeAtMs: nowMs, probing: false };
}

/**
 * More are running than was thought possible, by somebody else's doing. Believed only when a probe would be due: before, some
 * of them may be starts that are about to be refused.
 */
export function afterSight(ceiling: Ceiling, running: number, nowMs: number): Ceiling {
  if (ceiling.limit === undefined || running <= ceiling.limit) return ceiling;
  return ceiling.probing || nowMs < ceiling.probeAtMs ? ceiling : { ...ceiling, limit: running };
}

/** The probe failed for another reason, which says nothing about room. */
export function afterLostProbe(ceiling: Ceiling, nowMs: number, probeAfterMs: number): Ceiling {
  return { ...ceiling, probing: false, probeAtMs: nowMs + probeAfterMs };
}
