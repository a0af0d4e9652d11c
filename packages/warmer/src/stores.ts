import type { Ledger } from '@pilotlight/warming';

import { MemoryClaimBook } from './adapters/memory-book.js';
import { MemoryEventLog } from './adapters/memory-log.js';
import type { ClaimBook } from './claims/book.js';
import type { ClaimService } from './claims/service.js';
import type { WarmerConfig } from './config/schema.js';
import type { EventLog } from './events/log.js';

/** Where a store tells what it cannot throw. */
export interface StoreLogger {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Where one installation keeps what must outlive a request. */
export interface Stores {
  book: ClaimBook;
  log: EventLog;
  /** Undefined: the engine keeps its own, in memory. */
  ledger: Ledger | undefined;
  /** Goes on with what an earlier process left unfinished. */
  resume?: (claims: ClaimService) => Promise<void>;
  close(): Promise<void>;
}

/** @throws {@link WarmerError} `invalid_option` when the store cannot be opened */
export async function openStores(_config: WarmerConfig, _logger: StoreLogger): Promise<Stores> {
  const book = new MemoryClaimBook();
  const log = new MemoryEventLog({ now: Date.now });
  return {
    book,
    log,
    ledger: undefined,
    async close() {
      await log.close();
      await book.close();
    },
  };
}
