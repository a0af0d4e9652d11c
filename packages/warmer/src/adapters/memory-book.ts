import { type ClaimBook, sandboxOf } from '../claims/book.js';
import type { ClaimRecord } from '../claims/record.js';

/** Claims in this process only: for development and for tests. */
export class MemoryClaimBook implements ClaimBook {
  readonly #records = new Map<string, ClaimRecord>();
  readonly #byKey = new Map<string, string>();
  readonly #bySandbox = new Map<string, string>();
  readonly #sandboxes = new Map<string, string>();

  async put(record: ClaimRecord): Promise<void> {
    const known = this.#records.has(record.claimId);
    this.#records.set(record.claimId, record);
    if (!known) this.#byKey.set(`${record.tenant}\n${record.key}`, record.claimId);
    const sandboxId = sandboxOf(record);
    if (sandboxId === undefined) return;
    this.#bySandbox.set(sandboxId, record.claimId);
    this.#sandboxes.set(record.claimId, sandboxId);
  }

  async get(claimId: string): Promise<ClaimRecord | undefined> {
    return this.#records.get(claimId);
  }

  async findByKey(tenant: string, key: string): Promise<ClaimRecord | undefined> {
    return this.#records.get(this.#byKey.get(`${tenant}\n${key}`) ?? '');
  }

  async findBySandbox(sandboxId: string): Promise<ClaimRecord | undefined> {
    return this.#records.get(this.#bySandbox.get(sandboxId) ?? '');
  }

  async list(tenant: string | undefined, limit: number): Promise<ClaimRecord[]> {
    const records: ClaimRecord[] = [];
    for (const record of [...this.#records.values()].reverse()) {
      if (tenant === undefined || record.tenant === tenant) records.push(record);
      if (records.length === limit) break;
    }
    return records;
  }

  async sweep(nowMs: number): Promise<void> {
    for (const [claimId, record] of this.#records) {
      if (record.forgetAtMs > nowMs) continue;
      this.#records.delete(claimId);
      const key = `${record.tenant}\n${record.key}`;
      if (this.#byKey.get(key) === claimId) this.#byKey.delete(key);
      const sandboxId = this.#sandboxes.get(claimId);
      this.#sandboxes.delete(claimId);
      if (sandboxId !== undefined && this.#bySandbox.get(sandboxId) === claimId) this.#bySandbox.delete(sandboxId);
    }
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {
    this.#records.clear();
    this.#byKey.clear();
    this.#bySandbox.clear();
    this.#sandboxes.clear();
  }
}
