import { createHmac } from 'node:crypto';
import { WarmingError } from '../errors.js';

/** Settings of {@link UserHistory}. */
export interface UserHistoryOptions {
  /** Keeps ids unreadable in the ledger; at least 16 characters, the same for all replicas. */
  salt: string;
  /** `opt-in` keeps only what users agreed to; `off` keeps nothing. @default 'opt-in' */
  consent?: 'opt-in' | 'off';
  /** Claims older than this are forgotten. @default 30 */
  retentionDays?: number;
}

interface Use {
  runtime: string;
  atMs: number;
}

const DAY_MS = 86_400_000;
const MOST_PER_USER = 64;

/** Which user used which runtimes, under hashed ids, for as long as was agreed. */
export class UserHistory {
  private readonly salt: string;
  private readonly consent: 'opt-in' | 'off';
  private readonly retentionMs: number;
  private readonly users = new Map<string, Use[]>();

  /** @throws WarmingError `invalid_option` when the salt is short or the retention is not positive */
  constructor(options: UserHistoryOptions) {
    const days = options.retentionDays ?? 30;
    if (options.salt.length < 16) throw refused('"salt" has fewer than 16 characters. Give a longer secret.');
    if (!(days > 0)) throw refused(`"retentionDays" is ${days}. Give a positive number.`);
    this.salt = options.salt;
    this.consent = options.consent ?? 'opt-in';
    this.retentionMs = days * DAY_MS;
  }

  /** Notes a use; does nothing unless the user agreed. */
  record(userId: string, runtime: string, atMs: number, agreed: boolean): void {
    if (this.consent === 'off' || !agreed) return;
    const id = this.hash(userId);
    const uses = this.fresh(id, atMs);
    uses.push({ runtime, atMs });
    this.users.set(id, uses.slice(-MOST_PER_USER));
  }

  /** Runtimes the user is likely to want, most likely first, with their shares of the user's recent claims. */
  likely(userId: string, atMs: number): { runtime: string; probability: number }[] {
    const counts = new Map<string, number>();
    let total = 1;
    for (const use of this.fresh(this.hash(userId), atMs)) {
      const weight = 0.5 ** ((atMs - use.atMs) / (7 * DAY_MS));
      counts.set(use.runtime, (counts.get(use.runtime) ?? 0) + weight);
      total += weight;
    }
    return [...counts]
      .map(([runtime, weight]) => ({ runtime, probability: weight / total }))
      .sort((a, b) => b.probability - a.probability || (a.runtime < b.runtime ? -1 : 1));
  }

  /** All that is kept of a user. */
  export(userId: string): { runtime: string; atMs: number }[] {
    return (this.users.get(this.hash(userId)) ?? []).map((use) => ({ ...use }));
  }

  /** True when there was something to delete. */
  delete(userId: string): boolean {
    return this.users.delete(this.hash(userId));
  }

  /** Drops what is older than the retention; to be called once a day. */
  expire(atMs: number): void {
    for (const id of [...this.users.keys()]) {
      const uses = this.fresh(id, atMs);
      if (uses.length > 0) this.users.set(id, uses);
      else this.users.delete(id);
    }
  }

  /** For the ledger: no id in clear. */
  save(): Record<string, { runtime: string; atMs: number }[]> {
    return Object.fromEntries(this.users);
  }

  restore(saved: Record<string, { runtime: string; atMs: number }[]>): void {
    this.users.clear();
    for (const [id, uses] of Object.entries(saved)) this.users.set(id, uses);
  }

  private fresh(id: string, atMs: number): Use[] {
    return (this.users.get(id) ?? []).filter((use) => use.atMs > atMs - this.retentionMs);
  }

  private hash(userId: string): string {
    return createHmac('sha256', this.salt).update(userId).digest('base64url').slice(0, 24);
  }
}

function refused(message: string): WarmingError {
  return new WarmingError('invalid_option', message);
}
