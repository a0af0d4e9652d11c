import type { RuntimeSpec } from '@pilotlight/warming';

export interface ReplicaSettings {
  readonly connection: { apiUrl: string; sandboxUrl: string; apiKey: string };
  readonly redisUrl: string;
  readonly fleet: string;
  readonly runtime: RuntimeSpec;
  readonly claimLifeMs: number;
  readonly times: { leaseMs: number; sweepMs: number; orphanGraceMs: number; slotLifeMs: number };
}

export type Order =
  | { readonly id: number; readonly kind: 'claim'; readonly key: string }
  | { readonly id: number; readonly kind: 'retire'; readonly key: string };

/** The answer with id 0 says that the replica is there. */
export interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly sandboxId?: string;
  readonly source?: string;
  readonly durationMs: number;
  readonly error?: string;
}
