import type { RuntimeSpec } from '@pilotlight/warming';
import type { ClaimManager } from '../claims/manager.js';
import { isWarmerError } from '../errors.js';
import type { DeclaredRuntime, RuntimeBook } from './book.js';
import type { RegisteredRuntime, RuntimeRegistry } from './registry.js';

/** Brings the runtimes that tenants declare to the registry and the engine of every process. */
export class DeclaredRuntimes {
  readonly #parts: { book: RuntimeBook; registry: RuntimeRegistry; manager: ClaimManager };

  constructor(parts: { book: RuntimeBook; registry: RuntimeRegistry; manager: ClaimManager }) {
    this.#parts = parts;
  }

  /** Those that were declared before this process began, and from now on those of others. */
  async load(failed: (error: unknown, runtime: DeclaredRuntime) => void): Promise<void> {
    const { book } = this.#parts;
    const take = (runtime: DeclaredRuntime): void => {
      try {
        this.#take(runtime);
      } catch (error) {
        failed(error, runtime);
      }
    };
    // Watched before it is read: what is declared in between comes twice, and never not at all.
    await book.watch?.(take);
    for (const runtime of await book.all()) take(runtime);
  }

  /** @throws {@link WarmerError} `quota`; {@link InvalidSpecError} */
  async declare(tenant: string, spec: RuntimeSpec): Promise<RegisteredRuntime> {
    const registered = this.#take({ tenant, spec });
    await this.#parts.book.put({ tenant, spec });
    return registered;
  }

  /**
   * The runtime a tenant means by a name, also one that another replica was told a moment ago.
   *
   * @throws {@link WarmerError} `unknown_runtime`
   */
  async resolve(tenant: string, name: string): Promise<RegisteredRuntime> {
    const { registry, book } = this.#parts;
    try {
      return registry.resolve(tenant, name);
    } catch (error) {
      if (!isWarmerError(error) || error.code !== 'unknown_runtime') throw error;
      const declared = await book.get(tenant, name);
      if (!declared) throw error;
      return this.#take(declared);
    }
  }

  #take({ tenant, spec }: DeclaredRuntime): RegisteredRuntime {
    const runtime = this.#parts.registry.register(tenant, spec);
    this.#parts.manager.define(runtime.definition);
    return runtime;
  }
}
