import type { RuntimeSpec } from '@pilotlight/warming';

/** A runtime that a tenant declared, under the name the tenant gave it. */
export interface DeclaredRuntime {
  readonly tenant: string;
  readonly spec: RuntimeSpec;
}

/** Where the runtimes of tenants are written down, so that a restart or another replica still knows them. */
export interface RuntimeBook {
  /** Replaces the one of that name. Every other process that watches is told. */
  put(runtime: DeclaredRuntime): Promise<void>;
  get(tenant: string, name: string): Promise<DeclaredRuntime | undefined>;
  all(): Promise<readonly DeclaredRuntime[]>;
  /** Tells of what another process declares. Absent where there is no other. */
  watch?(listener: (runtime: DeclaredRuntime) => void): Promise<void>;
  close(): Promise<void>;
}
