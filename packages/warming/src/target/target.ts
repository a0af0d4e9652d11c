/**
 * How many sandboxes of which runtime to keep ready, and in which tier, is decided behind this port.
 *
 * **Who calls.** One driver per fleet (the pool engine in production, the replayer on a trace). It tells the policy what
 * happened with {@link TargetPolicy.observe} and asks what should be with {@link TargetPolicy.decide}.
 *
 * **How often.** `decide` right after every `observe` that the driver wants acted on, and again at the `wakeAtMs` of the
 * last decision. There is no tick: a policy that wants to look again says when. Deciding earlier or later than asked is
 * allowed and safe; it only costs precision. Both calls are synchronous and cost microseconds.
 *
 * **Determinism.** A policy has no clock, no randomness of its own, no I/O: the same options, saved state and sequence of
 * calls give the same decisions, on any machine. What is decided at a time depends only on what was observed before.
 *
 * **Time.** `atMs` is Unix time in milliseconds. A time before one already seen (the clock jumped back) is read as the
 * latest time seen; a time that is not a finite number is refused with an `invalid_option` error and nothing changes.
 *
 * **State.** At most 1 KB per unit, a unit being one sandbox a runtime has ever had use for at the same time (most
 * runtimes have one). {@link TargetPolicy.save} gives bytes for the ledger; several replicas may share them as long as one
 * at a time decides. Damaged or foreign bytes are refused by `restore` with a `ledger_corrupt` error, never half read.
 */
export interface TargetPolicy {
  /** Family name, for example `forecast`. */
  readonly name: string;

  /**
   * Takes note of one fact. Never throws for a runtime it has not heard of: it starts one with default leads.
   *
   * @throws WarmingError `invalid_option` when a number in the observation is not finite or out of its range
   */
  observe(observation: Observation): void;

  /**
   * What should be from `atMs` on. Holds only the runtimes whose target differs from the last decision; the driver keeps
   * the rest as they were. After `restore`, or with `{ full: true }`, every runtime with a target above zero is listed.
   */
  decide(atMs: number, options?: { full?: boolean }): Decision;

  /** Why the targets of a runtime are what they are. Undefined for a runtime never observed. */
  explain(key: string, atMs: number): Explanation | undefined;

  /** The whole state as compact bytes. Cheap enough for once a minute; does not change the state. */
  save(): Uint8Array;

  /**
   * Replaces the state by one made by `save` of the same family.
   *
   * @throws WarmingError `ledger_corrupt` when the bytes are damaged or of another family or version
   */
  restore(state: Uint8Array): void;

  /** Size of the state in bytes, how much of it does not grow with the runtimes, and how many units share it. */
  size(): { bytes: number; sharedBytes?: number; runtimes: number; units: number };
}

/** One fact for a policy. `key` is the runtime's name. */
export type Observation =
  | ClaimObserved
  | RuntimeObserved
  | LeadObserved
  | HintObserved
  | HintWithdrawn
  | IdleObserved
  | { kind: 'runtime-removed'; key: string; atMs: number };

/**
 * Somebody asked for a sandbox of the runtime, whatever the answer was. Told once per claim, at the time of the request;
 * a claim that is tried again under the same claim key is not told again.
 */
export interface ClaimObserved {
  kind: 'claim';
  key: string;
  atMs: number;
  /** What it was answered by; for scores and explanations, not needed to decide. */
  answeredBy?: 'hot' | 'parked' | 'generic' | 'cold';
}

/** The runtime exists, or its settings changed. What is left out stays as it was. */
export interface RuntimeObserved {
  kind: 'runtime';
  key: string;
  atMs: number;
  /** From order to ready, per tier. A missing tier is not offered for this runtime. */
  leadMs?: TierLeads;
  /** Bounds of the runtime's own population. */
  bounds?: { minHot?: number; maxHot?: number; maxParked?: number };
  /** What an avoided cold start of this runtime is worth, in idle sandbox-seconds. @default the fleet's price */
  coldStartValueSeconds?: number;
}

/** Times in milliseconds. */
export interface TierLeads {
  /** From the order to a hot sandbox: create and warm-up. */
  hot: number;
  /** From the claim of a parked sandbox to its first command: resume. */
  parkedResume?: number;
  /** From the claim of a generic sandbox to its first command: specialise. */
  specialise?: number;
}

/** A warm-up was measured. Policies follow a changed lead within a few of these. */
export interface LeadObserved {
  kind: 'lead';
  key: string;
  atMs: number;
  tier: 'hot' | 'parked' | 'generic';
  measuredMs: number;
}

/** What idle sandboxes cost so far, told about once a minute; only a policy that keeps a budget needs it. */
export interface IdleObserved {
  kind: 'idle';
  atMs: number;
  /** Idle sandbox-seconds of the fleet since the driver started, one lead time per retired unused sandbox included. */
  totalSeconds: number;
}

/** A claim may be coming: a page was opened, an agent plans a tool call, a job was queued. */
export interface HintObserved {
  kind: 'hint';
  key: string;
  atMs: number;
  /** Identifies this hint for withdrawal. */
  hintId: string;
  /** Who says so; reliability is learned per source. */
  source: string;
  /** In [0, 1], as the source sees it. */
  probability: number;
  /** When the claim is expected, from `atMs`. */
  etaMs: number;
  /** How far the claim may be off `etaMs`. @default half of etaMs, at least 5 s */
  spreadMs?: number;
}

/** The user left, the plan changed: the claim is not coming after all. Unknown ids are ignored. */
export interface HintWithdrawn {
  kind: 'hint-withdrawn';
  key: string;
  atMs: number;
  hintId: string;
}

/** What a policy wants from now on. */
export interface Decision {
  atMs: number;
  /** Runtimes whose target changed, best marginal use first. */
  changed: readonly RuntimeTarget[];
  /** Sandboxes of the base template to keep for all runtimes together; undefined when the tier is off. */
  generic: number | undefined;
  /** When to decide again if nothing happens before; undefined when nothing will change by itself. */
  wakeAtMs: number | undefined;
}

/**
 * The population a runtime should have: sandboxes ready **or on their way** and not claimed. A claim lowers the
 * population, so an unchanged target of one orders one replacement. When the population is above the target the driver
 * retires the surplus, those still warming last.
 */
export interface RuntimeTarget {
  key: string;
  hot: number;
  parked: number;
  /** May a generic sandbox answer when no own one is ready? */
  generic: boolean;
  /**
   * What the last unit of `hot` is worth over its coming hold, in idle sandbox-seconds, minus what it costs. Under a
   * bound shared with others, the driver drops the lowest first.
   */
  marginalValueSeconds: number;
}

/** Why a target is what it is, for people and for the dashboard. */
export interface Explanation {
  key: string;
  policy: string;
  target: RuntimeTarget;
  /** Calibrated chance of a claim within ten minutes. */
  claimWithin10MinProbability: number;
  /** Expected claims per hour now. */
  claimsPerHour: number;
  coldStartValueSeconds: number;
  /** Hold while the chance of a claim per second is above this. */
  holdAbovePerSecond: number;
  /** What the number leans on: how much is the runtime's own history, the rest is what runtimes have in common. */
  ownHistoryShare: number;
  /** Sentences, most important first. */
  reasons: readonly string[];
}
