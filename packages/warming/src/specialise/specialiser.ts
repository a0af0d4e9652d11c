import type { ProviderSandbox } from '../provider.js';

/** What a runtime needs, packed, as far as the engine has to know it. */
export interface RuntimePack {
  /** Equal if and only if the content is the same. */
  readonly key: string;
  /** Size of its content. */
  readonly mebibytes: number;
  /**
   * What of the warm-up the pack stands for: names of steps, `packages-npm`, `packages-pip` or `files`. They are not run in a
   * sandbox that has the pack.
   */
  readonly provides: readonly string[];
}

/**
 * The port to packs: puts what a runtime needs into a generic sandbox in one go. A composition root plugs in one; the SDK's is
 * `packSpecialiser` of `@pilotlight/sdk/packs`.
 */
export interface RuntimeSpecialiser {
  /** Undefined for a runtime that has none: it is specialised by its steps alone. Cheap: it is asked for every claim. */
  packOf(runtime: string): RuntimePack | undefined;

  /**
   * Puts the content of the packs into a sandbox that nobody has claimed, where no program finds it, so that linking later
   * moves no bytes. Idempotent.
   */
  bundle(runtimes: readonly string[], sandbox: ProviderSandbox, options: { signal: AbortSignal }): Promise<void>;

  /**
   * Puts the pack in its place. Idempotent. When it throws, the claim goes on with a sandbox from elsewhere.
   *
   * @returns how: from what was bundled, or brought in now
   */
  link(runtime: string, sandbox: ProviderSandbox, options: { signal: AbortSignal }): Promise<'bundled' | 'fetched'>;
}
