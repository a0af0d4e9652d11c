/** Counts the open event streams of each tenant. */
export class FollowerLimit {
  readonly #perTenant: number;
  readonly #counts = new Map<string, number>();

  constructor(perTenant: number) {
    this.#perTenant = perTenant;
  }

  /** Undefined when the tenant has too many; else what to call, once, when the stream ends. */
  enter(tenant: string): (() => void) | undefined {
    const count = this.#counts.get(tenant) ?? 0;
    if (count >= this.#perTenant) return undefined;
    this.#counts.set(tenant, count + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const remaining = (this.#counts.get(tenant) ?? 1) - 1;
      if (remaining > 0) this.#counts.set(tenant, remaining);
      else this.#counts.delete(tenant);
    };
  }
}
