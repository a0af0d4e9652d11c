import Database from 'libsql';
import type { TextSealer } from '../claims/text-seal.js';
import type { DeclaredRuntime, RuntimeBook } from '../runtimes/book.js';
import { openRuntime, sealRuntime } from '../runtimes/seal.js';

/** Runtimes of tenants in the service's SQLite file. */
export class SqliteRuntimeBook implements RuntimeBook {
  readonly #database: Database.Database;
  readonly #sealer: TextSealer;

  /** The file is there: the book of claims was opened before. */
  constructor(path: string, sealer: TextSealer) {
    this.#sealer = sealer;
    this.#database = new Database(path);
    this.#database.exec(`
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS service_runtimes (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (tenant, name)
      ) WITHOUT ROWID;
    `);
  }

  async put(runtime: DeclaredRuntime): Promise<void> {
    this.#database
      .prepare('INSERT INTO service_runtimes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body')
      .run([runtime.tenant, runtime.spec.name, sealRuntime(this.#sealer, runtime)]);
  }

  async get(tenant: string, name: string): Promise<DeclaredRuntime | undefined> {
    const row = this.#database
      .prepare('SELECT body FROM service_runtimes WHERE tenant = ? AND name = ?')
      .get([tenant, name]) as { body: string } | undefined;
    return row && openRuntime(this.#sealer, tenant, name, row.body);
  }

  async all(): Promise<readonly DeclaredRuntime[]> {
    const rows = this.#database.prepare('SELECT tenant, name, body FROM service_runtimes').all([]);
    return (rows as { tenant: string; name: string; body: string }[]).flatMap(
      ({ tenant, name, body }) => openRuntime(this.#sealer, tenant, name, body) ?? [],
    );
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}
