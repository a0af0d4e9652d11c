import type { ClaimAnswer, ClaimRequest } from '../claim.js';
import { InvalidSpecError, QuotaError } from '../errors.js';
import type { Fleet } from '../pool/fleet.js';
import { IntentBook } from './book.js';

/** Options of `intent`. */
export interface IntentOptions {
  /** Who is expected. One intent per user and runtime: a second one is the first. */
  userId: string;
  /** How long the sandbox is kept for the user, in milliseconds. Not extended by asking again. @default 120_000 */
  ttlMs?: number;
}

/** A sandbox warmed ahead of a claim that is likely to come. */
export interface Intent {
  readonly intentId: string;
  readonly runtime: string;
  readonly userId: string;
  readonly expiresAtMs: number;
  /** The most this intent can cost, in US dollars. */
  readonly maxCostDollars: number;
  /** The user left: the sandbox goes back to what the pool needs. Idempotent. */
  cancel(): void;
  /** The claim came. The same as claiming with the intent's `userId`. */
  claim(request?: Omit<ClaimRequest, 'userId'>): Promise<ClaimAnswer>;
}

/** Opens and ends intents, and says how many sandboxes they ask for. */
export class IntentDesk {
  readonly #fleet: Fleet;
  readonly #book: IntentBook;
  readonly #changed: (runtime: string) => void;
  #cancelTimer: (() => void) | undefined;

  constructor(fleet: Fleet, changed: (runtime: string) => void) {
    this.#fleet = fleet;
    this.#book = new IntentBook(fleet.settings.maxIntents);
    this.#changed = changed;
  }

  open(runtime: string, options: IntentOptions, claim: (request: ClaimRequest) => Promise<ClaimAnswer>): Intent {
    const { clock, settings } = this.#fleet;
    const { userId, ttlMs = 120_000 } = options;
    check(userId, ttlMs, settings.maxLifeMs);
    const nowMs = clock.nowMs();
    const opened = this.#book.open({ id: this.#fleet.newId(), runtime, userId, untilMs: nowMs + ttlMs }, nowMs);
    if (opened === 'full') {
      throw new QuotaError(
        `${settings.maxIntents} intents are open, as many as "maxIntents" allows. Cancel those whose users left, or raise it.`,
      );
    }
    const { entry } = opened;
    if (opened.opened) {
      this.#changed(runtime);
      this.#expireLater(ttlMs);
    }
    const { prices } = settings;
    const dollarsPerSecond = prices.perVcpuSecond * prices.vcpus + prices.perGibSecond * prices.gib;
    return {
      intentId: entry.id,
      runtime,
      userId,
      expiresAtMs: entry.untilMs,
      maxCostDollars: ((entry.untilMs - nowMs) / 1000) * dollarsPerSecond,
      cancel: () => {
        if (this.#book.close(runtime, userId, entry.id)) this.#changed(runtime);
      },
      claim: (request = {}) => claim({ ...request, userId }),
    };
  }

  count(runtime: string): number {
    return this.#book.count(runtime);
  }

  /** The claim came: it takes the sandbox, and no other is made in its place. */
  claimed(runtime: string, userId: string): void {
    this.#book.close(runtime, userId);
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #expireLater(delayMs: number): void {
    const cancelBefore = this.#cancelTimer;
    const cancel = this.#fleet.clock.schedule(delayMs, () => {
      for (const { runtime } of this.#book.expire(this.#fleet.clock.nowMs())) this.#changed(runtime);
    });
    this.#cancelTimer = () => {
      cancelBefore?.();
      cancel();
    };
  }
}

function check(userId: string, ttlMs: number, mostMs: number): void {
  const issues = [];
  if (typeof userId !== 'string' || userId === '')
    issues.push({ path: 'userId', message: 'must be a text', value: userId });
  if (!Number.isInteger(ttlMs) || ttlMs <= 0 || ttlMs > mostMs) {
    issues.push({ path: 'ttlMs', message: `must be a whole number from 1 to ${mostMs}`, value: ttlMs });
  }
  if (issues.length > 0) throw new InvalidSpecError('The intent', issues);
}
