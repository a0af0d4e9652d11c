import type { HintObserved } from '../target/target.js';
import { checkedNumber } from '../target/time-line.js';
import type { Outlook } from './outlook.js';

interface LiveHint {
  id: string;
  source: string;
  probability: number;
  fromSeconds: number;
  untilSeconds: number;
}

/** How often a source was right, against how often it said it would be. */
interface Reliability {
  expected: number;
  came: number;
}

const PRIOR_WEIGHT = 2;
const FORGETS_ABOVE = 200;
const LEAST_SPREAD_SECONDS = 5;

/** Uses announced, in seconds since a landmark. */
export interface HintWindow {
  from: number;
  until: number;
  perSecond: number;
}

/** Adds what is announced to an intensity. */
export function addUses(window: HintWindow, outlook: Outlook): void {
  for (let bin = 0; bin < outlook.count; bin++) {
    const start = outlook.from[bin]!;
    const width = outlook.width[bin]!;
    const overlap = Math.min(window.until, start + width) - Math.max(window.from, start);
    if (overlap > 0) outlook.expect(bin, window.perSecond * overlap);
  }
}

/** Leading signals: what is announced, and how far each source has deserved to be believed. */
export class HintBook {
  live = new Map<string, LiveHint[]>();
  sources = new Map<string, Reliability>();

  /** Hints of the runtime that are open, this one included. */
  open(hint: HintObserved, nowSeconds: number): number {
    const probability = Math.min(1, checkedNumber('probability', hint.probability, 0));
    const eta = checkedNumber('etaMs', hint.etaMs, 0) / 1000;
    const given = hint.spreadMs === undefined ? eta / 2 : checkedNumber('spreadMs', hint.spreadMs, 0) / 1000;
    const spread = Math.max(LEAST_SPREAD_SECONDS, given);
    const list = (this.live.get(hint.key) ?? []).filter((known) => known.id !== hint.hintId);
    list.push({
      id: hint.hintId,
      source: hint.source,
      probability,
      fromSeconds: nowSeconds + Math.max(0, eta - spread),
      untilSeconds: nowSeconds + eta + spread,
    });
    list.sort((a, b) => a.fromSeconds + a.untilSeconds - b.fromSeconds - b.untilSeconds);
    this.live.set(hint.key, list);
    return list.length;
  }

  /** True when there was such a hint. A withdrawn hint counts neither for nor against its source. */
  withdraw(key: string, hintId: string): boolean {
    const list = this.live.get(key);
    const kept = list?.filter((hint) => hint.id !== hintId);
    if (!list || kept!.length === list.length) return false;
    this.keep(key, kept!);
    return true;
  }

  /** A claim answers the hint expected first; hints whose time has passed count against their source. */
  claim(key: string, nowSeconds: number): void {
    const list = this.live.get(key);
    if (!list) return;
    const open = this.expire(list, nowSeconds);
    const answered = open.shift();
    if (answered) this.score(answered, true);
    this.keep(key, open);
  }

  /** What is announced for the unit at `depth`: the first hint is for the first unit, and so on. */
  window(key: string, depth: number, atSeconds: number): HintWindow | undefined {
    const hint = this.live.get(key)?.[depth - 1];
    if (!hint) return undefined;
    const from = hint.fromSeconds - atSeconds;
    const until = hint.untilSeconds - atSeconds;
    return { from, until, perSecond: this.believed(hint) / (until - from) };
  }

  /** What to multiply a source's probabilities by. 1 for a source never heard of. */
  reliability(source: string): number {
    const known = this.sources.get(source);
    return known ? (known.came + PRIOR_WEIGHT) / (known.expected + PRIOR_WEIGHT) : 1;
  }

  count(key: string): number {
    return this.live.get(key)?.length ?? 0;
  }

  private believed(hint: LiveHint): number {
    const chance = Math.min(0.99, hint.probability * this.reliability(hint.source));
    return -Math.log(1 - chance);
  }

  private expire(list: LiveHint[], nowSeconds: number): LiveHint[] {
    const open: LiveHint[] = [];
    for (const hint of list) {
      if (hint.untilSeconds >= nowSeconds) open.push(hint);
      else this.score(hint, false);
    }
    return open;
  }

  private score(hint: LiveHint, came: boolean): void {
    const known = this.sources.get(hint.source) ?? { expected: 0, came: 0 };
    known.expected += hint.probability;
    known.came += came ? 1 : 0;
    if (known.expected > FORGETS_ABOVE) {
      known.expected /= 2;
      known.came /= 2;
    }
    this.sources.set(hint.source, known);
  }

  private keep(key: string, list: LiveHint[]): void {
    if (list.length > 0) this.live.set(key, list);
    else this.live.delete(key);
  }
}
