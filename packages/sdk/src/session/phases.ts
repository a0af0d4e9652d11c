/** When the phases of one preparation began and ended, in milliseconds of the session's clock. */
export interface Phases {
  readonly startedMs: number;
  readonly configuredMs: number;
  readonly claimedMs: number;
  readonly endedMs: number;
}

/** Durations of the phases. */
export interface Spent {
  readonly configMs: number;
  readonly claimMs: number;
  readonly bootstrapMs: number;
}

/** What of the preparations fell after `sinceMs`: a message that came in the middle of one waits for the rest of it only. */
export function spent(preparations: readonly Phases[], sinceMs: number): Spent {
  const after = (fromMs: number, toMs: number) => Math.max(0, toMs - Math.max(fromMs, sinceMs));
  let configMs = 0;
  let claimMs = 0;
  let bootstrapMs = 0;
  for (const { startedMs, configuredMs, claimedMs, endedMs } of preparations) {
    configMs += after(startedMs, configuredMs);
    claimMs += after(configuredMs, claimedMs);
    bootstrapMs += after(claimedMs, endedMs);
  }
  return { configMs, claimMs, bootstrapMs };
}
