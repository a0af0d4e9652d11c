import type { Claim, ClaimSource, SandboxConnection } from '@pilotlight/warming';
import type { WireHotClaim } from '@pilotlight/warming/wire';
import type { RemoteClient } from './client.js';

/** A claim handed over by the service. Environment and secrets were never sent there: they are kept here. */
export class RemoteClaim implements Claim {
  readonly claimId: string;
  readonly key: string;
  readonly runtime: string;
  readonly userId: string | undefined;
  readonly source: ClaimSource;
  readonly latencyMs: number;
  /** Where the sandbox is reached when that is not told by its domain. */
  readonly sandboxUrl: string | undefined;
  declare readonly connection: SandboxConnection;
  declare readonly env: Readonly<Record<string, string>>;
  readonly #client: RemoteClient;
  #expiresAtMs: number;
  #ack: Promise<void> | undefined;
  #end: Promise<void> | undefined;

  constructor(
    client: RemoteClient,
    claim: WireHotClaim,
    own: { environment: () => Readonly<Record<string, string>>; latencyMs: number },
  ) {
    const { sandboxUrl, ...connection } = claim.connection;
    this.#client = client;
    this.claimId = claim.claimId;
    this.key = claim.key;
    this.runtime = claim.runtime;
    this.userId = claim.userId;
    this.source = claim.source;
    this.latencyMs = own.latencyMs;
    this.sandboxUrl = sandboxUrl;
    this.#expiresAtMs = claim.expiresAtMs;
    // Both hold secrets: they are there for who asks for them, not for who prints the claim.
    Object.defineProperty(this, 'connection', { value: connection, enumerable: false });
    Object.defineProperty(this, 'env', { get: own.environment, enumerable: false });
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  ack(): Promise<void> {
    this.#ack ??= this.#client.ack(this.claimId).then(
      () => undefined,
      (error: unknown) => {
        this.#ack = undefined;
        throw error;
      },
    );
    return this.#ack;
  }

  async renew(lifeMs: number): Promise<void> {
    const claim = await this.#client.renew(this.claimId, lifeMs);
    if (claim.state === 'HOT') this.#expiresAtMs = claim.expiresAtMs;
  }

  retire(): Promise<void> {
    this.#end ??= this.#ended(this.#client.retire(this.claimId));
    return this.#end;
  }

  keep(): Promise<void> {
    this.#end ??= this.#ended(this.#client.keep(this.claimId));
    return this.#end;
  }

  /** A failed end may be tried again. */
  #ended(request: Promise<unknown>): Promise<void> {
    return request.then(
      () => undefined,
      (error: unknown) => {
        this.#end = undefined;
        throw error;
      },
    );
  }
}
