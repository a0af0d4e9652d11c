import Database from 'libsql';
import { z } from 'zod';
import type { ClaimHistory, PastClaim } from '../history/history.js';
import { claimSource } from '../history/source.js';

const page = 1_000;

const row = z.object({
  claim_id: z.string(),
  at_ms: z.number(),
  pool: z.string(),
  source: claimSource.nullable(),
  waited_ms: z.number().nullable(),
  used_ms: z.number().nullable(),
});

/** Past claims in the service's SQLite file. */
export class SqliteClaimHistory implements ClaimHistory {
  readonly #database: Database.Database;

  /** The file is there: the book of claims was opened before. */
  constructor(path: string) {
    this.#database = new Database(path);
    this.#database.exec(`
      PRAGMA busy_timeout = 5000;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS service_history (
        claim_id TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        pool TEXT NOT NULL,
        source TEXT,
        waited_ms INTEGER,
        used_ms INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS service_history_by_time ON service_history (at_ms, claim_id);
    `);
  }

  async put(claims: readonly PastClaim[]): Promise<void> {
    const insert = this.#database.prepare('INSERT OR REPLACE INTO service_history VALUES (?, ?, ?, ?, ?, ?)');
    this.#database.transaction(() => {
      for (const { claimId, atMs, pool, source, waitedMs, usedMs } of claims) {
        insert.run([claimId, Math.round(atMs), pool, source ?? null, waitedMs ?? null, usedMs ?? null]);
      }
    })();
  }

  async *read(fromMs: number): AsyncIterable<PastClaim> {
    let [lastMs, lastId] = [Math.round(fromMs), ''];
    while (true) {
      const rows = z
        .array(row)
        .parse(
          this.#database
            .prepare('SELECT * FROM service_history WHERE (at_ms, claim_id) > (?, ?) ORDER BY at_ms, claim_id LIMIT ?')
            .all([lastMs, lastId, page]),
        );
      for (const { claim_id, at_ms, pool, source, waited_ms, used_ms } of rows) {
        yield {
          claimId: claim_id,
          atMs: at_ms,
          pool,
          ...(source === null ? {} : { source }),
          ...(waited_ms === null ? {} : { waitedMs: waited_ms }),
          ...(used_ms === null ? {} : { usedMs: used_ms }),
        };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < page) return;
      [lastMs, lastId] = [last.at_ms, last.claim_id];
    }
  }

  async forget(beforeMs: number, most: number): Promise<void> {
    this.#database.prepare('DELETE FROM service_history WHERE at_ms < ?').run([Math.round(beforeMs)]);
    this.#database
      .prepare(
        `DELETE FROM service_history WHERE claim_id IN
           (SELECT claim_id FROM service_history ORDER BY at_ms DESC, claim_id DESC LIMIT -1 OFFSET ?)`,
      )
      .run([most]);
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}
