import type { Claim } from '@pilotlight/warming';
import { Sandbox, type SandboxConnectOpts } from 'e2b';
import { applyEnvironment } from './environment.js';

/** What a sandbox made from a claim can do beyond E2B's own `Sandbox`. */
export interface WarmPowers {
  /** The claim this sandbox was made from. Undefined for one made by E2B's own `create`, `connect` or `fork`. */
  readonly claim: Claim | undefined;
  /**
   * Sets the environment of every later command, terminal and code run of this handle. The sandbox itself keeps nothing
   * of it. Values given to a single call win.
   */
  setEnvironment(environment: Readonly<Record<string, string>>): void;
}

/** A subclass of `Base` whose instances can be made from a claim. */
export type WarmSandboxClass<Base extends typeof Sandbox> = Base & {
  /**
   * A working handle for a claimed sandbox, without a request.
   *
   * @param connection where and with which key the provider is reached, as for E2B's own `Sandbox`
   */
  fromClaim(claim: Claim, connection?: SandboxConnectOpts): InstanceType<Base> & WarmPowers;
};

/**
 * Gives a subclass of E2B's `Sandbox` the powers of a claimed sandbox: the claim's environment in every command, and
 * `kill` and `setTimeout` that keep the claim in step.
 *
 * @example
 * ```ts
 * import { Sandbox as CodeInterpreter } from '@e2b/code-interpreter';
 *
 * const WarmInterpreter = withWarming(CodeInterpreter);
 * const pilotlight = new Pilotlight({ runtimes: [python], Sandbox: WarmInterpreter });
 * ```
 */
export function withWarming<Base extends typeof Sandbox>(Base: Base): WarmSandboxClass<Base> {
  const Parent: typeof Sandbox = Base;

  class Warm extends Parent implements WarmPowers {
    #claim: Claim | undefined;
    #environment: Readonly<Record<string, string>> | undefined;

    constructor(options: ConstructorParameters<typeof Sandbox>[0]) {
      super(options);
      applyEnvironment(this, () => this.#currentEnvironment);
    }

    static fromClaim(claim: Claim, connection: SandboxConnectOpts = {}): Warm {
      const { sandboxId, envdVersion, sandboxDomain, envdAccessToken, trafficAccessToken } = claim.connection;
      const sandbox = new Warm({
        ...connection,
        sandboxId,
        envdVersion,
        ...(sandboxDomain === undefined ? {} : { sandboxDomain }),
        ...(envdAccessToken === undefined ? {} : { envdAccessToken }),
        ...(trafficAccessToken === undefined ? {} : { trafficAccessToken }),
      });
      sandbox.#claim = claim;
      return sandbox;
    }

    /** The claim's grows when memories arrive late. */
    get #currentEnvironment(): Readonly<Record<string, string>> {
      return this.#environment ?? this.#claim?.env ?? {};
    }

    get claim(): Claim | undefined {
      return this.#claim;
    }

    setEnvironment(environment: Readonly<Record<string, string>>): void {
      this.#environment = environment;
    }

    override async fork(options?: Parameters<Sandbox['fork']>[0]): Promise<Array<this | Error>> {
      const forks = await super.fork(options);
      for (const fork of forks) if (fork instanceof Warm) fork.setEnvironment(this.#currentEnvironment);
      return forks;
    }

    override async kill(options?: Parameters<Sandbox['kill']>[0]): Promise<boolean> {
      if (!this.#claim) return super.kill(options);
      await this.#claim.retire();
      return true;
    }

    override async setTimeout(timeoutMs: number, options?: Parameters<Sandbox['setTimeout']>[1]): Promise<void> {
      if (!this.#claim) return super.setTimeout(timeoutMs, options);
      await this.#claim.renew(timeoutMs);
    }
  }

  // The compiler cannot see that a subclass of Base, reached through a variable, still is a Base.
  const warm: unknown = Warm;
  return warm as WarmSandboxClass<Base>;
}

/** E2B's `Sandbox`, made from a claim: `instanceof Sandbox` holds and every method works. */
export const WarmSandbox = withWarming(Sandbox);
/** E2B's `Sandbox`, made from a claim: `instanceof Sandbox` holds and every method works. */
export type WarmSandbox = Sandbox & WarmPowers;
