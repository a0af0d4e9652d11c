import type { DeclaredRuntime, RuntimeBook } from '../runtimes/book.js';

/** For one process whose clients declare their runtimes again when it restarts. */
export class MemoryRuntimeBook implements RuntimeBook {
  readonly #runtimes = new Map<string, DeclaredRuntime>();

  async put(runtime: DeclaredRuntime): Promise<void> {
    this.#runtimes.set(JSON.stringify([runtime.tenant, runtime.spec.name]), runtime);
  }

  async get(tenant: string, name: string): Promise<DeclaredRuntime | undefined> {
    return this.#runtimes.get(JSON.stringify([tenant, name]));
  }

  async all(): Promise<readonly DeclaredRuntime[]> {
    return [...this.#runtimes.values()];
  }

  async close(): Promise<void> {}
}
