import { type Digest, isDigest } from '../digest.js';

/** What a tier keeps bytes under: `object/<digest>` for content, `ref/<kind>/<digest>` for what points to it. */
export type TierKey = `object/${Digest}` | `ref/${'snapshot' | 'pack'}/${Digest}`;

export function objectKey(digest: Digest): TierKey {
  return `object/${digest}`;
}

export function refKey(kind: 'snapshot' | 'pack', digest: Digest): TierKey {
  return `ref/${kind}/${digest}`;
}

export function isTierKey(value: string): value is TierKey {
  const names = value.split('/');
  if (names[0] === 'object') return names.length === 2 && isDigest(names[1]);
  return names.length === 3 && names[0] === 'ref' && ['snapshot', 'pack'].includes(names[1]!) && isDigest(names[2]);
}

/**
 * A place that keeps bytes under keys. It is not trusted: whoever reads verifies. Every adapter meets the contract of
 * `@pilotlight/snapshots/contract`.
 */
export interface Tier {
  /** For reports; unique among the tiers of a store. */
  readonly name: string;

  /** The bytes as they were put, or undefined when there are none or their time is over. May throw; never hangs after the signal. */
  get(key: TierKey, options?: { signal?: AbortSignal }): Promise<Uint8Array | undefined>;

  /**
   * Keeps bytes whole or not at all; a reader never sees a part. Idempotent, and atomic against other writers of the same
   * key. Absent when the tier is read-only.
   */
  put?(key: TierKey, bytes: Uint8Array, options?: { signal?: AbortSignal; ttlMs?: number }): Promise<void>;

  /** Idempotent. False when there was nothing. Absent when the tier is read-only. */
  delete?(key: TierKey, options?: { signal?: AbortSignal }): Promise<boolean>;

  /** Releases what the adapter itself opened. */
  close?(): Promise<void>;
}
