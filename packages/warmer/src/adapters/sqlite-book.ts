import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { type ClaimBook, sandboxOf } from '../claims/book.js';
import type { ClaimRecord } from '../claims/record.js';
import type { RecordSealer } from '../claims/seal.js';
import { WarmerError } from '../errors.js';

/** Claims in a SQLite file, for one service that comes back after a restart. */
export class SqliteClaimBook implements ClaimBook {
  readonly #database: Database.Database;
  readonly #sealer: RecordSealer;

  /** @throws {@link WarmerError} `invalid_option` when the file cannot be opened */
  constructor(path: string, sealer: RecordSealer) {
    this.#sealer = sealer;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#database = new Database(path);
      this.#database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        PRAGMA busy_timeout = 5000;
        CREATE TABLE IF NOT EXISTS service_claims (
          claim_id TEXT PRIMARY KEY,
          tenant TEXT NOT NULL,
          key TEXT NOT NULL,
          sandbox_id TEXT,
          created_at_ms INTEGER NOT NULL,
          forget_at_ms INTEGER NOT NULL,
          body TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS service_claims_by_key ON service_claims (tenant, key, created_at_ms);
        CREATE INDEX IF NOT EXISTS service_claims_by_sandbox ON service_claims (sandbox_id, created_at_ms);
        CREATE INDEX IF NOT EXISTS service_claims_by_end ON service_claims (forget_at_ms);
      `);
    } catch (error) {
      throw new WarmerError(
        'invalid_option',
        `The store ${path} cannot be opened: ${error instanceof Error ? error.message : error}. Set "store.path" to a file that can be written.`,
        { cause: error },
      );
    }
  }

  async put(record: ClaimRecord): Promise<void> {
    this.#database
      .prepare(
        `INSERT INTO service_claims VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (claim_id) DO UPDATE SET
           sandbox_id = coalesce(excluded.sandbox_id, sandbox_id), forget_at_ms = excluded.forget_at_ms, body = excluded.body`,
      )
      .run([
        record.claimId,
        record.tenant,
        record.key,
        sandboxOf(record) ?? null,
        record.createdAtMs,
        Math.round(record.forgetAtMs),
        this.#sealer.seal(record),
      ]);
  }

  async get(claimId: string): Promise<ClaimRecord | undefined> {
    return this.#one('SELECT body FROM service_claims WHERE claim_id = ?', claimId);
  }

  async findByKey(tenant: string, key: string): Promise<ClaimRecord | undefined> {
    return this.#one(
      'SELECT body FROM service_claims WHERE tenant = ? AND key = ? ORDER BY created_at_ms DESC LIMIT 1',
      tenant,
      key,
    );
  }

  async findBySandbox(sandboxId: string): Promise<ClaimRecord | undefined> {
    return this.#one(
      'SELECT body FROM service_claims WHERE sandbox_id = ? ORDER BY created_at_ms DESC LIMIT 1',
      sandboxId,
    );
  }

  async list(tenant: string | undefined, limit: number): Promise<ClaimRecord[]> {
    const rows =
      tenant === undefined
        ? this.#database.prepare('SELECT body FROM service_claims ORDER BY created_at_ms DESC LIMIT ?').all([limit])
        : this.#database
            .prepare('SELECT body FROM service_claims WHERE tenant = ? ORDER BY created_at_ms DESC LIMIT ?')
            .all([tenant, limit]);
    return (rows as { body: string }[]).flatMap(({ body }) => this.#sealer.open(body) ?? []);
  }

  async sweep(nowMs: number): Promise<void> {
    this.#database.prepare('DELETE FROM service_claims WHERE forget_at_ms <= ?').run([Math.round(nowMs)]);
  }

  async check(): Promise<void> {
    this.#database.prepare('SELECT 1').get();
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #one(query: string, ...values: string[]): ClaimRecord | undefined {
    const row = this.#database.prepare(query).get(values) as { body: string } | undefined;
    return row && this.#sealer.open(row.body);
  }
}
