import { type SessionConfig, type SettledConfig, settleConfig } from './config.js';
import { SessionError } from './errors.js';

/** Puts the configuration together: reads settings, keys, prompts. Called as seldom as possible. */
export type ConfigAssembler = (request: { signal: AbortSignal }) => Promise<SessionConfig> | SessionConfig;

interface Kept {
  readonly config: SettledConfig;
  readonly atMs: number;
}

/** Keeps the assembled configuration, so that a message costs no reads. One assembly at a time. */
export class ConfigCache {
  readonly #assemble: ConfigAssembler;
  readonly #ttlMs: number;
  readonly #nowMs: () => number;
  #kept: Kept | undefined;
  #flight: Promise<SettledConfig> | undefined;
  /** Grows with every settings change; an assembly that began before one is not kept. */
  #changes = 0;

  constructor(options: { assemble: ConfigAssembler; ttlMs: number; nowMs: () => number }) {
    this.#assemble = options.assemble;
    this.#ttlMs = options.ttlMs;
    this.#nowMs = options.nowMs;
  }

  /** A setting has changed, or what is kept is in doubt: the next {@link get} assembles again. */
  invalidate(): void {
    this.#changes += 1;
    this.#kept = undefined;
    this.#flight = undefined;
  }

  /** @throws SessionError with code `config_failed` or `invalid_config` */
  async get(signal: AbortSignal): Promise<SettledConfig> {
    if (this.#kept !== undefined && this.#nowMs() - this.#kept.atMs < this.#ttlMs) return this.#kept.config;
    this.#flight ??= this.#fly(signal, this.#changes);
    return this.#flight;
  }

  async #fly(signal: AbortSignal, changes: number): Promise<SettledConfig> {
    const atMs = this.#nowMs();
    try {
      const config = settleConfig(await this.#assemble({ signal }));
      if (changes === this.#changes) this.#kept = { config, atMs };
      return config;
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      throw new SessionError('config_failed', "The session's config could not be assembled. The cause says why.", {
        cause,
      });
    } finally {
      if (changes === this.#changes) this.#flight = undefined;
    }
  }
}
