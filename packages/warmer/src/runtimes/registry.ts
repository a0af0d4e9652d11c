import { defineRuntime, type Runtime, type RuntimeSpec } from '@pilotlight/warming';
import type { WireRuntime } from '@pilotlight/warming/wire';
import { tenantRuntimeName } from '../claims/names.js';
import { WarmerError } from '../errors.js';

/** One runtime as the service knows it. */
export interface RegisteredRuntime {
  /** As its owner calls it. */
  name: string;
  /** As the engine calls it. */
  pool: string;
  /** Undefined for the operator's, which every tenant may claim from. */
  tenant: string | undefined;
  /** Under the name the engine calls it by. */
  definition: Runtime;
}

/** Which runtimes there are, and whose they are. */
export class RuntimeRegistry {
  readonly #byPool = new Map<string, RegisteredRuntime>();
  readonly #limitPerTenant: number;

  constructor(limitPerTenant: number) {
    this.#limitPerTenant = limitPerTenant;
  }

  /** Adds or replaces. @throws {@link WarmerError} `quota` when the tenant has too many */
  register(tenant: string | undefined, spec: RuntimeSpec): RegisteredRuntime {
    const name = spec.name;
    const pool = tenant === undefined ? name : tenantRuntimeName(tenant, name);
    if (tenant !== undefined && !this.#byPool.has(pool) && this.#countOf(tenant) >= this.#limitPerTenant) {
      throw new WarmerError(
        'quota',
        `A tenant may have ${this.#limitPerTenant} runtimes. Delete one, or ask the operator to raise "limits.runtimesPerTenant".`,
      );
    }
    // Checked under the name its owner gave, so that the error speaks of that one.
    defineRuntime(spec);
    const runtime: RegisteredRuntime = { name, pool, tenant, definition: defineRuntime({ ...spec, name: pool }) };
    this.#byPool.set(pool, runtime);
    return runtime;
  }

  /**
   * The runtime a tenant means by a name: their own before the operator's.
   *
   * @throws {@link WarmerError} `unknown_runtime`, the same whether another tenant has one of that name or nobody has
   */
  resolve(tenant: string, name: string): RegisteredRuntime {
    const runtime = this.#byPool.get(tenantRuntimeName(tenant, name)) ?? this.#shared(name);
    if (runtime) return runtime;
    throw new WarmerError(
      'unknown_runtime',
      `There is no runtime "${name}". Declare it with PUT /v1/runtimes/${name}, or use one of: ${
        this.visibleTo(tenant)
          .map((known) => known.name)
          .join(', ') || '(none yet)'
      }.`,
    );
  }

  byPool(pool: string): RegisteredRuntime | undefined {
    return this.#byPool.get(pool);
  }

  visibleTo(tenant: string): RegisteredRuntime[] {
    return [...this.#byPool.values()].filter((runtime) => runtime.tenant === undefined || runtime.tenant === tenant);
  }

  all(): RegisteredRuntime[] {
    return [...this.#byPool.values()];
  }

  #shared(name: string): RegisteredRuntime | undefined {
    const runtime = this.#byPool.get(name);
    return runtime?.tenant === undefined ? runtime : undefined;
  }

  #countOf(tenant: string): number {
    return this.all().filter((runtime) => runtime.tenant === tenant).length;
  }
}

export function toWireRuntime(runtime: RegisteredRuntime): WireRuntime {
  return {
    name: runtime.name,
    owner: runtime.tenant === undefined ? 'shared' : 'own',
    template: runtime.definition.template,
    steps: runtime.definition.steps.length,
  };
}
