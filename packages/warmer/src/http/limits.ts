import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Principal } from '../auth/tokens.js';
import { WarmerError } from '../errors.js';

/** Makes a counter of `points` in `durationSeconds`: of this process, or of all replicas. */
export type CounterMaker = (name: string, points: number, durationSeconds: number) => RateLimiterAbstract;

export const countInProcess: CounterMaker = (_name, points, duration) => new RateLimiterMemory({ points, duration });

/** Who asks too often is told when to come back. */
export class RequestLimits {
  readonly #requestsPerSecond: number;
  readonly #perRate = new Map<number, RateLimiterAbstract>();
  readonly #failedLogins: RateLimiterAbstract;
  readonly #count: CounterMaker;

  constructor(options: { requestsPerSecond: number; failedLoginsPerMinute: number }, count: CounterMaker) {
    this.#requestsPerSecond = options.requestsPerSecond;
    this.#count = count;
    // Of this process alone: it is asked with every request, before anything is known of who asks.
    this.#failedLogins = countInProcess('logins', options.failedLoginsPerMinute, 60);
  }

  /** @throws {@link WarmerError} `rate_limited` */
  async request(principal: Principal): Promise<void> {
    await spend(this.#limiterOf(principal.requestsPerSecond ?? this.#requestsPerSecond), principal.tokenId);
  }

  /** Called with each refused token, so that guessing is slow. @throws {@link WarmerError} `rate_limited` */
  async failedLogin(address: string): Promise<void> {
    await spend(this.#failedLogins, address);
  }

  /** @throws {@link WarmerError} `rate_limited` while an address has guessed too often */
  async mayLogIn(address: string): Promise<void> {
    const spent = await this.#failedLogins.get(address);
    if (spent && spent.consumedPoints > this.#failedLogins.points) throw tooMany(spent.msBeforeNext);
  }

  #limiterOf(requestsPerSecond: number): RateLimiterAbstract {
    const known = this.#perRate.get(requestsPerSecond);
    if (known) return known;
    // Ten seconds' worth may come at once: a page that loads is a burst, not an attack.
    const limiter = this.#count(`requests-${requestsPerSecond}`, Math.ceil(requestsPerSecond * 10), 10);
    this.#perRate.set(requestsPerSecond, limiter);
    return limiter;
  }
}

async function spend(limiter: RateLimiterAbstract, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refused) {
    throw refused instanceof RateLimiterRes ? tooMany(refused.msBeforeNext) : refused;
  }
}

function tooMany(retryAfterMs: number): WarmerError {
  return new WarmerError(
    'rate_limited',
    `Too many requests. Wait ${Math.ceil(retryAfterMs / 1_000)} s, or ask the operator to raise the limit.`,
    { retryAfterMs },
  );
}
