import type { ClaimRecord } from './record.js';

/**
 * Where claims are written down, so that a restart or another replica still knows them. It decides nothing: who owns a
 * sandbox is the engine's ledger's business.
 */
export interface ClaimBook {
  /** Writes a record, replacing the one of the same claim. Durable, as far as the adapter is, when it resolves. */
  put(record: ClaimRecord): Promise<void>;
  get(claimId: string): Promise<ClaimRecord | undefined>;
  /** The newest claim under a key of a tenant. */
  findByKey(tenant: string, key: string): Promise<ClaimRecord | undefined>;
  /** The newest claim of a sandbox. */
  findBySandbox(sandboxId: string): Promise<ClaimRecord | undefined>;
  /** Newest first, at most `limit`. Every tenant's when `tenant` is undefined. */
  list(tenant: string | undefined, limit: number): Promise<ClaimRecord[]>;
  /** Forgets what may be forgotten. */
  sweep(nowMs: number): Promise<void>;
  /** Rejects when the store cannot be reached. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The sandbox of a claim, while it has one. */
export function sandboxOf(record: ClaimRecord): string | undefined {
  return record.status.state === 'HOT' ? record.status.connection.sandboxId : undefined;
}
