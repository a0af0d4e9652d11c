import { isWarmingError, WarmingError } from '../errors.js';

/** Whether another process holds the file for a moment. */
export function isLocked(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)) || /database (table )?is locked/i.test(messageOf(error));
}

/** What an error of SQLite means for the engine. */
export function sqliteError(error: unknown, path: string): WarmingError {
  if (isWarmingError(error)) return error;
  const code = codeOf(error);
  const message = messageOf(error);
  const options = { cause: error };
  if (
    /^SQLITE_(CORRUPT|NOTADB)/.test(code) ||
    /malformed|not a database|file is encrypted/i.test(message) ||
    error instanceof SyntaxError
  ) {
    return new WarmingError(
      'ledger_corrupt',
      `The ledger file ${path} is damaged (${message}). Move it away and start again: sandboxes it knew are found by their metadata and retired.`,
      options,
    );
  }
  if (isLocked(error)) {
    return new WarmingError(
      'ledger_unavailable',
      `Another process keeps the ledger file ${path} locked. Stop it, or raise "lockTimeoutMs".`,
      options,
    );
  }
  if (/^SQLITE_(FULL|IOERR|READONLY|CANTOPEN)/.test(code) || /disk|readonly|unable to open/i.test(message)) {
    return new WarmingError(
      'ledger_unavailable',
      `The ledger file ${path} cannot be written (${message}). Free space on its disk and check that its folder exists and may be written.`,
      options,
    );
  }
  return new WarmingError(
    'ledger_unavailable',
    `The ledger file ${path} did not answer (${message}). Try again.`,
    options,
  );
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
