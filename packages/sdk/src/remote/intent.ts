import type { ClaimAnswer, ClaimRequest } from '@pilotlight/warming';
import type { RemoteClient } from './client.js';

/** A sandbox that the service warms ahead of a claim that is likely to come. */
export class RemoteIntent {
  readonly intentId: string;
  readonly runtime: string;
  readonly userId: string;
  /** Settles when the service has taken the hint, or has refused it: a hint never fails an application. */
  readonly opened: Promise<void>;
  readonly #client: RemoteClient;
  readonly #claim: (request: ClaimRequest) => Promise<ClaimAnswer>;
  #serviceIntentId: string | undefined;
  #expiresAtMs: number;
  #maxCostDollars = Number.POSITIVE_INFINITY;
  #refusal: unknown;
  #cancelled = false;

  constructor(
    parts: { client: RemoteClient; claim: (request: ClaimRequest) => Promise<ClaimAnswer>; intentId: string },
    hint: { runtime: string; userId: string; ttlMs: number },
  ) {
    this.#client = parts.client;
    this.#claim = parts.claim;
    this.intentId = parts.intentId;
    this.runtime = hint.runtime;
    this.userId = hint.userId;
    this.#expiresAtMs = Date.now() + hint.ttlMs;
    this.opened = this.#open(hint).catch((error: unknown) => {
      this.#refusal = error;
    });
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  /** The most this intent can cost, in US dollars; infinite until the service has answered. */
  get maxCostDollars(): number {
    return this.#maxCostDollars;
  }

  /** Why the service did not take the hint, when it did not. */
  get refusal(): unknown {
    return this.#refusal;
  }

  /** The user left. Idempotent. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    void this.opened
      .then(() => (this.#serviceIntentId === undefined ? undefined : this.#client.cancelIntent(this.#serviceIntentId)))
      // The hint ends by itself; that the service could not be told changes nothing for the application.
      .catch(() => undefined);
  }

  /** The claim came. The same as claiming with the intent's `userId`. */
  claim(request: Omit<ClaimRequest, 'userId'> = {}): Promise<ClaimAnswer> {
    return this.#claim({ ...request, userId: this.userId });
  }

  async #open(hint: { runtime: string; userId: string; ttlMs: number }): Promise<void> {
    const intent = await this.#client.openIntent(hint, this.intentId);
    this.#serviceIntentId = intent.intentId;
    this.#expiresAtMs = intent.expiresAtMs;
    this.#maxCostDollars = intent.maxCostDollars;
  }
}
