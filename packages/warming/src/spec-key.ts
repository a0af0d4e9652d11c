import { createHash } from 'node:crypto';
import type { Runtime } from './runtime.js';

/**
 * The identity of what a sandbox of this runtime holds. Two runtimes of equal content share it, whatever their names and
 * pool settings; any change of content gives another one.
 */
export function specKeyOf(runtime: Runtime): string {
  const { template, packages, files, steps, ready, allowInternetAccess } = runtime;
  return `spec:v1:sha256:${hash({ template, packages, files, steps, ready, allowInternetAccess })}`;
}

/** SHA-256 of a value, equal for values that differ in the order of their keys only. */
export function hash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(value)))
    .digest('hex');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .sort(([first], [second]) => (first < second ? -1 : 1))
      .map(([key, entry]) => [key, canonical(entry)]),
  );
}
