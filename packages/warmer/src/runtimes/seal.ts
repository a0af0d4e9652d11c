import type { TextSealer } from '../claims/text-seal.js';
import type { DeclaredRuntime } from './book.js';

/** A declared runtime as a store keeps it: sealed, for its steps may hold what is only the tenant's. */
export function sealRuntime(sealer: TextSealer, { tenant, spec }: DeclaredRuntime): string {
  return sealer.seal(JSON.stringify(spec), contextOf(tenant, spec.name));
}

/** Undefined when it was sealed with another key, or was tampered with. */
export function openRuntime(
  sealer: TextSealer,
  tenant: string,
  name: string,
  sealed: string,
): DeclaredRuntime | undefined {
  try {
    return { tenant, spec: JSON.parse(sealer.open(sealed, contextOf(tenant, name))) as DeclaredRuntime['spec'] };
  } catch {
    return undefined;
  }
}

function contextOf(tenant: string, name: string): string {
  return JSON.stringify(['runtime', tenant, name]);
}
