import { randomBytes } from 'node:crypto';
import type { Ledger } from '@pilotlight/warming';
import { MemoryClaimBook } from './adapters/memory-book.js';
import { MemoryIdempotencyStore } from './adapters/memory-idempotency.js';
import { MemoryEventLog } from './adapters/memory-log.js';
import type { ClaimBook } from './claims/book.js';
import type { ClaimDispatch } from './claims/dispatch.js';
import { type RecordSealer, recordSealer } from './claims/seal.js';
import type { ClaimService } from './claims/service.js';
import type { WarmerConfig } from './config/schema.js';
import { WarmerError } from './errors.js';
import type { EventLog } from './events/log.js';
import type { IdempotencyStore } from './http/idempotency.js';

/** Where a store tells what it cannot throw. */
export interface StoreLogger {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Where one installation keeps what must outlive a request. */
export interface Stores {
  book: ClaimBook;
  log: EventLog;
  idempotency: IdempotencyStore;
  /** Undefined: the engine keeps its own, in memory. */
  ledger: Ledger | undefined;
  /** Undefined: this process does all the work itself. */
  dispatch: ClaimDispatch | undefined;
  /** Goes on with what an earlier process left unfinished, and takes its share of the work. */
  begin(claims: ClaimService): Promise<void>;
  close(): Promise<void>;
}

/** @throws {@link WarmerError} `invalid_option` when the store cannot be opened as it is configured */
export async function openStores(config: WarmerConfig, logger: StoreLogger): Promise<Stores> {
  switch (config.store.kind) {
    case 'memory':
      return inMemory();
    case 'sqlite':
      return inSqlite(config.store.path, sealerOf(config), logger);
    case 'redis':
      return inRedis(config, config.store, sealerOf(config), logger);
  }
}

function inMemory(): Stores {
  return alone(new MemoryClaimBook(), undefined);
}

async function inSqlite(path: string, sealer: RecordSealer, logger: StoreLogger): Promise<Stores> {
  const [{ SqliteClaimBook }, { sqliteLedger }] = await Promise.all([
    import('./adapters/sqlite-book.js'),
    import('@pilotlight/warming/sqlite'),
  ]);
  const book = new SqliteClaimBook(path, sealer);
  return {
    ...alone(book, sqliteLedger({ path: `${path}.ledger` })),
    async begin(claims) {
      for (const record of await book.list(undefined, 10_000)) {
        if (record.status.state !== 'WARMING') continue;
        claims
          .resume(record)
          .catch((error: unknown) => logger.warn({ err: error, claimId: record.claimId }, 'claim not resumed'));
      }
    },
  };
}

function alone(book: ClaimBook, ledger: Ledger | undefined): Stores {
  const log = new MemoryEventLog({ now: Date.now });
  return {
    book,
    log,
    ledger,
    idempotency: new MemoryIdempotencyStore({ now: Date.now }),
    dispatch: undefined,
    begin: async () => {},
    async close() {
      await log.close();
      await book.close();
    },
  };
}

async function inRedis(
  config: WarmerConfig,
  { url, prefix }: { url: string; prefix: string },
  sealer: RecordSealer,
  logger: StoreLogger,
): Promise<Stores> {
  const [{ Redis }, { RedisClaimBook }, { RedisEventLog }, { RedisIdempotencyStore }, { BullJobs }, { redisLedger }] =
    await Promise.all([
      import('ioredis'),
      import('./adapters/redis-book.js'),
      import('./adapters/redis-log.js'),
      import('./adapters/redis-idempotency.js'),
      import('./adapters/bull-jobs.js'),
      import('@pilotlight/warming/redis'),
    ]);
  // A request is answered with 503 rather than kept waiting; events wait as long as it takes.
  const redis = new Redis(url, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: 3_000,
    lazyConnect: true,
  });
  const writer = new Redis(url, { maxRetriesPerRequest: null });
  const reader = new Redis(url, { maxRetriesPerRequest: null });
  for (const client of [redis, writer, reader]) client.on('error', (error) => logger.warn({ err: error }, 'redis'));
  try {
    await redis.connect();
  } catch (error) {
    for (const client of [redis, writer, reader]) client.disconnect();
    throw new WarmerError('invalid_option', `Redis cannot be reached. Start it, or correct "store.url".`, {
      cause: error,
    });
  }
  const log = await RedisEventLog.open({ writer, reader, prefix, logger, now: Date.now });
  const { createsPerSecond, maxConcurrentCreates } = config.budget;
  const jobs = new BullJobs({
    url,
    prefix,
    replica: randomBytes(8).toString('hex'),
    createsPerSecond,
    concurrency: maxConcurrentCreates,
    logger,
  });
  return {
    book: new RedisClaimBook({ redis, prefix, sealer, now: Date.now }),
    log,
    idempotency: new RedisIdempotencyStore({ redis, prefix }),
    ledger: redisLedger({ url, fleet: config.fleet }),
    dispatch: jobs,
    begin: (claims) => jobs.start(claims),
    async close() {
      await jobs.close();
      await log.close();
      redis.disconnect();
      writer.disconnect();
    },
  };
}

function sealerOf({ sealKey }: WarmerConfig): RecordSealer {
  if (sealKey !== undefined) return recordSealer(sealKey);
  throw new WarmerError(
    'invalid_option',
    'A store that outlives the process needs "sealKey". Make one with "pilotlight token --seal-key" and set PILOTLIGHT_SEAL_KEY.',
  );
}
