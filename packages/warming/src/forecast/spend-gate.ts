const HOUR_SECONDS = 3_600;
/** So much more than the budget may have been spent; below the twentieth that is promised, for what cannot be foreseen. */
const SLACK = 0.03;
/** In the first hour, which is only bound as a whole, spending may be ahead by this. */
const AHEAD_SECONDS = HOUR_SECONDS / 4;
/** Who is admitted can stay for this long; who is in is let go when this is no longer certain. */
const ADMIT_SECONDS = 600;
const STAY_SECONDS = 75;
const READY_MEMORY = 0.1;

interface Grant {
  wanted: number;
  least: number;
  hot: number;
  worthSeconds: number;
}

/** What a restart has to keep. */
export interface GateState {
  startSeconds: number | undefined;
  startTotal: number | undefined;
  spent: number;
  atSeconds: number;
  leadSeconds: number;
  onTheWay: readonly number[];
  readyShare: number;
  grants: ReadonlyMap<string, Readonly<Grant>>;
}

/**
 * A bound on what idle sandboxes cost: at no time after the first hour more than the budget of the time since the start and
 * a little slack. What is held is counted as it goes, and one lead for each that is wanted no more, so the bound holds between
 * two times that the driver tells what was really spent.
 */
export class SpendGate {
  startSeconds: number | undefined;
  private startTotal: number | undefined;
  /** Idle seconds since the start. */
  spent = 0;
  /** Sandboxes that are granted, and those wanted besides. */
  held = 0;
  refused = 0;
  private readonly perSecond: number;
  private grants = new Map<string, Grant>();
  private atSeconds = 0;
  private leadSeconds = 0;
  /** When those on their way are ready; until then they cost nothing. */
  private onTheWay: number[] = [];
  /** Share of what is held that is ready, lately. */
  private readyShare = 1;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  save(): GateState {
    const { startSeconds, startTotal, spent, atSeconds, leadSeconds, onTheWay, readyShare } = this;
    return { startSeconds, startTotal, spent, atSeconds, leadSeconds, onTheWay, readyShare, grants: this.grants };
  }

  restore(state: GateState): void {
    this.startSeconds = state.startSeconds;
    this.startTotal = state.startTotal;
    this.spent = state.spent;
    this.atSeconds = state.atSeconds;
    this.leadSeconds = state.leadSeconds;
    this.onTheWay = [...state.onTheWay];
    this.readyShare = state.readyShare;
    this.grants = new Map([...state.grants].map(([key, grant]) => [key, { ...grant }]));
    this.held = 0;
    this.refused = 0;
    for (const { wanted, hot } of this.grants.values()) {
      this.held += hot;
      this.refused += Math.max(0, wanted - hot);
    }
  }

  /** Counts what is held and ready up to now. */
  advance(nowSeconds: number): void {
    this.startSeconds ??= nowSeconds;
    const { onTheWay } = this;
    let arrived = 0;
    for (; arrived < onTheWay.length && onTheWay[arrived]! <= nowSeconds; arrived++) {
      this.count(onTheWay[arrived]!, onTheWay.length - arrived);
    }
    if (arrived > 0) this.onTheWay = onTheWay.slice(arrived);
    this.count(nowSeconds, this.onTheWay.length);
  }

  /** A sandbox was claimed; the next one is on its way when it is still wanted. */
  claimed(leadSeconds: number): void {
    this.onTheWay.push(this.atSeconds + leadSeconds);
  }

  /** What was really spent. A count that begins anew goes on from what is known. */
  told(nowSeconds: number, total: number): void {
    this.advance(nowSeconds);
    const before = this.startTotal;
    if (before === undefined || total < before) this.startTotal = total - Math.min(total, this.spent);
    this.spent = total - this.startTotal!;
  }

  /** How many of `wanted` may be held. Never fewer than `least`, and no more than there is room for. */
  grant(key: string, wanted: number, least: number, worthSeconds: number, leadSeconds: number): number {
    this.leadSeconds = Math.max(this.leadSeconds, leadSeconds);
    const known = this.grants.get(key);
    const before = known?.hot ?? 0;
    const most = Math.min(this.most(ADMIT_SECONDS, this.readyShare), this.most(STAY_SECONDS, 1));
    const hot = Math.max(least, Math.min(wanted, before + Math.max(0, most - this.held)));
    for (let added = before; added < hot; added++) this.claimed(leadSeconds);
    this.held += hot - before;
    this.spent += leadSeconds * Math.max(0, before - hot);
    this.refused += Math.max(0, wanted - hot) - (known ? Math.max(0, known.wanted - known.hot) : 0);
    if (wanted === 0 && hot === 0) this.grants.delete(key);
    else this.grants.set(key, { wanted, least, hot, worthSeconds });
    return hot;
  }

  /** Takes back what does not fit any more, from what is worth least; gives the runtimes to target anew. */
  rearrange(): string[] {
    if (this.held > 0) {
      const share = Math.max(0, this.held - this.onTheWay.length) / this.held;
      this.readyShare += READY_MEMORY * (share - this.readyShare);
    }
    let over = this.held - this.most(STAY_SECONDS, 1);
    if (over <= 0 && this.refused === 0) return [];
    const byWorth = [...this.grants].sort(([, a], [, b]) => a.worthSeconds - b.worthSeconds);
    if (over <= 0) {
      const waiting = byWorth.filter(([, { wanted, hot }]) => hot < wanted);
      return waiting.reverse().map(([key]) => key);
    }
    const changed: string[] = [];
    for (const [key, grant] of byWorth) {
      const back = Math.min(over, grant.hot - grant.least);
      if (back <= 0) continue;
      grant.hot -= back;
      this.held -= back;
      this.spent += this.leadSeconds * back;
      this.refused += back;
      changed.push(key);
      over -= back;
      if (over <= 0) break;
    }
    return changed;
  }

  private count(untilSeconds: number, onTheWay: number): void {
    const step = untilSeconds - this.atSeconds;
    if (step <= 0) return;
    this.spent += Math.max(0, this.held - onTheWay) * step;
    this.atSeconds = untilSeconds;
  }

  /** The most that can be held for so long and let go then, when this share of it is ready. */
  private most(seconds: number, readyShare: number): number {
    const until = this.atSeconds - (this.startSeconds ?? this.atSeconds) + seconds;
    const ahead = Math.max(SLACK * until, Math.min(AHEAD_SECONDS, (1 + SLACK) * HOUR_SECONDS - until));
    const left = this.perSecond * (until + ahead) - this.spent;
    return Math.max(0, Math.floor(left / (readyShare * seconds + this.leadSeconds)));
  }
}
