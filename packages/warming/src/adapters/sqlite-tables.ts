import type Database from 'libsql';
import { indexOf } from '../ledger/index-of.js';
import { isSlotRecord } from '../ledger/is-record.js';
import type { LedgerEpoch } from '../ledger/ledger.js';
import type { Bucket } from '../ledger/rate.js';
import type { ClaimRecord, SlotRecord, SnapshotLink } from '../ledger/record.js';

const schema = `
CREATE TABLE IF NOT EXISTS slots (
  slot_id TEXT PRIMARY KEY, pool TEXT NOT NULL, due_at_ms REAL NOT NULL, shelf TEXT, shelf_order INTEGER, goal TEXT,
  running INTEGER NOT NULL, tenant TEXT, claim_key TEXT UNIQUE, record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS slots_pool ON slots (pool);
CREATE INDEX IF NOT EXISTS slots_due ON slots (due_at_ms);
CREATE INDEX IF NOT EXISTS slots_shelf ON slots (shelf, shelf_order) WHERE shelf IS NOT NULL;
CREATE INDEX IF NOT EXISTS slots_goal ON slots (goal) WHERE goal IS NOT NULL;
CREATE INDEX IF NOT EXISTS slots_running ON slots (running) WHERE running = 1;
CREATE INDEX IF NOT EXISTS slots_tenant ON slots (tenant) WHERE tenant IS NOT NULL;
CREATE TABLE IF NOT EXISTS holds (
  claim_key TEXT PRIMARY KEY, claim_id TEXT NOT NULL, spec_key TEXT NOT NULL, runtime TEXT NOT NULL, until_ms REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
  spec_key TEXT PRIMARY KEY, snapshot_id TEXT NOT NULL, created_at_ms REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

const version = '1';

/** A hold on a claim key. */
export interface Hold {
  readonly claimId: string;
  readonly specKey: string;
  readonly runtime: string;
  readonly untilMs: number;
}

/** The tables of a SQLite ledger. Every method is one or a few statements; a transaction is the caller's business. */
export class SqliteTables {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** @throws what SQLite throws, or a SyntaxError for a file of another version */
  static open(database: Database.Database, waitForDisk: boolean, nowMs: number): SqliteTables {
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${waitForDisk ? 'FULL' : 'NORMAL'}`);
    const check: unknown = database.pragma('quick_check(1)');
    if (!JSON.stringify(check).includes('"ok"')) throw new SyntaxError(`quick_check says ${JSON.stringify(check)}`);
    database.exec(schema);
    const tables = new SqliteTables(database);
    tables.transaction(() => {
      tables.#run("INSERT OR IGNORE INTO meta VALUES ('version', ?)", version);
      tables.#run(
        "INSERT OR IGNORE INTO meta VALUES ('epoch', ?)",
        JSON.stringify({ id: crypto.randomUUID(), startedAtMs: nowMs }),
      );
    });
    const found = tables.#meta('version');
    if (found !== version) throw new SyntaxError(`it has version ${found}, this package reads version ${version}`);
    return tables;
  }

  transaction<Value>(work: (tables: SqliteTables) => Value): Value {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const value = work(this);
      this.#database.exec('COMMIT');
      return value;
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  get(slotId: string): SlotRecord | undefined {
    return this.#one('SELECT record FROM slots WHERE slot_id = ?', slotId);
  }

  byKey(claimKey: string): SlotRecord | undefined {
    return this.#one('SELECT record FROM slots WHERE claim_key = ?', claimKey);
  }

  ofPool(pool: string): SlotRecord[] {
    return this.#many('SELECT record FROM slots WHERE pool = ?', pool);
  }

  *onShelf(shelf: string): Iterable<SlotRecord> {
    const batch = 16;
    for (let skip = 0; ; skip += batch) {
      const found = this.#many(
        'SELECT record FROM slots WHERE shelf = ? ORDER BY shelf_order LIMIT ? OFFSET ?',
        shelf,
        batch,
        skip,
      );
      yield* found;
      if (found.length < batch) return;
    }
  }

  due(beforeMs: number, limit: number): SlotRecord[] {
    return this.#many('SELECT record FROM slots WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?', beforeMs, limit);
  }

  all(): SlotRecord[] {
    return this.#many('SELECT record FROM slots');
  }

  put(record: SlotRecord): void {
    const { shelf, goal, running, tenant, claimKey } = indexOf(record);
    if (claimKey !== undefined) this.#run('DELETE FROM holds WHERE claim_key = ?', claimKey);
    this.#run(
      'INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, (SELECT COALESCE(MAX(shelf_order), 0) + 1 FROM slots WHERE shelf = ?), ?, ?, ?, ?, ?)',
      record.slotId,
      record.pool,
      record.dueAtMs,
      shelf ?? null,
      shelf ?? null,
      goal ?? null,
      running ? 1 : 0,
      tenant ?? null,
      claimKey ?? null,
      JSON.stringify(record),
    );
  }

  delete(slotId: string): void {
    this.#run('DELETE FROM slots WHERE slot_id = ?', slotId);
  }

  countPool(pool: string): number {
    return this.#count('SELECT COUNT(*) AS count FROM slots WHERE pool = ?', pool);
  }

  countGoal(goal: string): number {
    return this.#count('SELECT COUNT(*) AS count FROM slots WHERE goal = ?', goal);
  }

  countRunning(): number {
    return this.#count('SELECT COUNT(*) AS count FROM slots WHERE running = 1');
  }

  countTenant(tenant: string): number {
    return this.#count('SELECT COUNT(*) AS count FROM slots WHERE tenant = ?', tenant);
  }

  hold(claimKey: string): Hold | undefined {
    const row = this.#row('SELECT claim_id, spec_key, runtime, until_ms FROM holds WHERE claim_key = ?', claimKey);
    if (!row) return undefined;
    return {
      claimId: String(row.claim_id),
      specKey: String(row.spec_key),
      runtime: String(row.runtime),
      untilMs: Number(row.until_ms),
    };
  }

  setHold({ key, claimId, specKey, runtime }: ClaimRecord, untilMs: number): void {
    this.#run('INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?, ?)', key, claimId, specKey, runtime, untilMs);
  }

  deleteHold(claimKey: string, claimId: string): void {
    this.#run('DELETE FROM holds WHERE claim_key = ? AND claim_id = ?', claimKey, claimId);
  }

  bucket(): Bucket | undefined {
    const text = this.#meta('bucket');
    return text === undefined ? undefined : JSON.parse(text);
  }

  setBucket(bucket: Bucket): void {
    this.#run("INSERT OR REPLACE INTO meta VALUES ('bucket', ?)", JSON.stringify(bucket));
  }

  epoch(): LedgerEpoch {
    return JSON.parse(this.#meta('epoch') ?? '{}');
  }

  links(): SnapshotLink[] {
    return this.#prepare('SELECT spec_key, snapshot_id, created_at_ms FROM links')
      .all()
      .map((row) => ({
        specKey: String(Reflect.get(Object(row), 'spec_key')),
        snapshotId: String(Reflect.get(Object(row), 'snapshot_id')),
        createdAtMs: Number(Reflect.get(Object(row), 'created_at_ms')),
      }));
  }

  putLink(link: SnapshotLink): SnapshotLink {
    this.#run('INSERT OR IGNORE INTO links VALUES (?, ?, ?)', link.specKey, link.snapshotId, link.createdAtMs);
    return this.links().find(({ specKey }) => specKey === link.specKey) ?? link;
  }

  deleteLink(specKey: string, snapshotId: string): boolean {
    return this.#run('DELETE FROM links WHERE spec_key = ? AND snapshot_id = ?', specKey, snapshotId) === 1;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #meta(name: string): string | undefined {
    const row = this.#row('SELECT value FROM meta WHERE name = ?', name);
    return row && String(row.value);
  }

  #one(sql: string, ...values: unknown[]): SlotRecord | undefined {
    const row = this.#row(sql, ...values);
    return row && parse(row);
  }

  #many(sql: string, ...values: unknown[]): SlotRecord[] {
    return this.#prepare(sql)
      .all(...values)
      .map((row) => parse(Object(row)));
  }

  #count(sql: string, ...values: unknown[]): number {
    return Number(this.#row(sql, ...values)?.count ?? 0);
  }

  #row(sql: string, ...values: unknown[]): Record<string, unknown> | undefined {
    const row: unknown = this.#prepare(sql).get(...values);
    return row === undefined ? undefined : Object(row);
  }

  #run(sql: string, ...values: unknown[]): number {
    return this.#prepare(sql).run(...values).changes;
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** @throws SyntaxError when a record is not what this package writes */
function parse(row: Record<string, unknown>): SlotRecord {
  const value: unknown = JSON.parse(String(row.record));
  if (!isSlotRecord(value)) throw new SyntaxError('a record of it makes no sense');
  return value;
}
