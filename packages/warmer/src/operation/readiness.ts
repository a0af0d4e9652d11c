import type { WireReadiness } from '@pilotlight/warming/wire';

type Check = WireReadiness['checks'][number];

/** What must hold before traffic comes, and whether it does. */
export class Readiness {
  readonly #checks = new Map<string, () => Promise<Check['state'] | { state: Check['state']; message: string }>>();
  #draining = false;

  /** Adds a check. A rejected check has failed; its error's text is for the log, not for the answer. */
  add(name: string, check: () => Promise<Check['state'] | { state: Check['state']; message: string }>): void {
    this.#checks.set(name, check);
  }

  /** From now on no new traffic should come. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async report(): Promise<WireReadiness> {
    const checks = await Promise.all(
      [...this.#checks].map(async ([name, check]): Promise<Check> => {
        try {
          const result = await check();
          return typeof result === 'string' ? { name, state: result } : { name, ...result };
        } catch {
          return { name, state: 'fail', message: 'cannot be reached; see the log' };
        }
      }),
    );
    if (this.#draining) checks.push({ name: 'draining', state: 'fail', message: 'the service is being stopped' });
    return { ready: checks.every((check) => check.state === 'pass'), checks };
  }
}
