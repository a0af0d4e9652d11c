import type { SessionCredential } from './config.js';
import { SessionError } from './errors.js';
import type { IssuedCredential } from './plan.js';

interface Held extends IssuedCredential {
  readonly expiresAtMs: number;
}

/** Credentials are made anew this long before they run out. */
const marginMs = 60_000;

/** Holds the credentials of one session in memory, and issues those that are missing or about to run out, side by side. */
export class Credentials {
  readonly #nowMs: () => number;
  readonly #held = new Map<string, Held>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Forgets all of them: the next use issues new ones. */
  clear(): void {
    this.#held.clear();
  }

  /** @throws SessionError with code `credential_failed`; the message does not repeat what the issuer said */
  async issue(wanted: readonly SessionCredential[], signal: AbortSignal): Promise<IssuedCredential[]> {
    const names = new Set(wanted.map(({ name }) => name));
    for (const name of this.#held.keys()) if (!names.has(name)) this.#held.delete(name);
    return Promise.all(wanted.map((credential) => this.#one(credential, signal)));
  }

  async #one({ name, issue, file }: SessionCredential, signal: AbortSignal): Promise<IssuedCredential> {
    const held = this.#held.get(name);
    if (held !== undefined && held.file === file && held.expiresAtMs - marginMs > this.#nowMs()) return held;
    try {
      const { value, expiresAtMs = Number.POSITIVE_INFINITY } = await issue({ signal });
      if (typeof value !== 'string' || value === '' || value.includes('\0'))
        throw new TypeError('The issued value is not a text.');
      const issued: Held = { name, value, file, expiresAtMs };
      this.#held.set(name, issued);
      return issued;
    } catch (cause) {
      throw new SessionError('credential_failed', `Credential "${name}" could not be issued. The cause says why.`, {
        cause,
      });
    }
  }
}
