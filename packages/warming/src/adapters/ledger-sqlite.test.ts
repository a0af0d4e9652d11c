import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerContract } from '../ledger/contract.js';
import type { Ledger } from '../ledger/ledger.js';
import { type SqliteLedgerOptions, sqliteLedger } from './ledger-sqlite.js';
import { sqliteError } from './sqlite-errors.js';

let folder: string;
const open: Ledger[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotlight-ledger-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  await rm(folder, { recursive: true });
});

function path(): string {
  return join(folder, 'ledger.db');
}

async function ledger(options: Partial<SqliteLedgerOptions> = {}): Promise<Ledger> {
  const made = sqliteLedger({ path: path(), survives: 'process', ...options });
  open.push(made);
  await made.open();
  return made;
}

describe('the SQLite ledger', () => {
  it.each(ledgerContract.map((one) => [one.name, one] as const))('%s', (_name, { run }) => run(() => ledger()));

  it('keeps what it knows over a restart', async () => {
    const first = await ledger({ survives: 'power' });
    await first.saveLink({ specKey: 'spec', snapshotId: 'snap', createdAtMs: 1 });
    const epoch = await first.epoch();
    await first.close();
    const second = await ledger();
    expect(await second.link('spec')).toEqual({ specKey: 'spec', snapshotId: 'snap', createdAtMs: 1 });
    expect(await second.epoch()).toEqual(epoch);
  });

  it('says that a damaged file is damaged and what to do', async () => {
    await writeFile(path(), 'this is not a database, by any means, however long it is read');
    await expect(ledger()).rejects.toMatchObject({
      code: 'ledger_corrupt',
      message: expect.stringContaining('Move it away'),
    });
  });

  it('says that a record was tampered with', async () => {
    const first = await ledger();
    const database = new Database(path());
    database.exec("INSERT INTO slots VALUES ('x', 'pool', 1, NULL, NULL, NULL, 0, NULL, NULL, '{\"half\":')");
    database.close();
    await expect(first.all()).rejects.toMatchObject({ code: 'ledger_corrupt' });
  });

  it('waits for another process that writes, and says so when that takes too long', async () => {
    const first = await ledger({ lockTimeoutMs: 60 });
    const patient = await ledger();
    const other = new Database(path());
    other.exec('BEGIN IMMEDIATE');
    const refused = first.unhold('key', 'claim');
    await expect(refused).rejects.toMatchObject({
      code: 'ledger_unavailable',
      message: expect.stringContaining('locked'),
    });
    const waiting = patient.unhold('key', 'claim');
    other.exec('COMMIT');
    other.close();
    await waiting;
  });

  it('says that its disk is full and what to do', async () => {
    await ledger();
    const full = new Database(path());
    full.pragma('max_page_count = 1');
    const insert = () => full.exec(`INSERT INTO links VALUES ('spec', '${'x'.repeat(300_000)}', 1)`);
    let error: unknown;
    try {
      insert();
    } catch (caught) {
      error = sqliteError(caught, path());
    }
    full.close();
    expect(error).toMatchObject({ code: 'ledger_unavailable', message: expect.stringContaining('Free space') });
  });

  it('says that its folder is not there', async () => {
    const missing = ledger({ path: join(folder, 'missing', 'ledger.db') });
    await expect(missing).rejects.toMatchObject({ code: 'ledger_unavailable' });
  });
});
