import { randomBytes, randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { type Ledger, MemoryLedger, systemClock } from '@pilotlight/warming';
import { LedgerLinks } from './adapters/ledger-links.js';
import { MemoryClaimBook } from './adapters/memory-book.js';
import { MemoryClaimHistory } from './adapters/memory-history.js';
import { MemoryIdempotencyStore } from './adapters/memory-idempotency.js';
import { MemoryEventLog } from './adapters/memory-log.js';
import { MemoryRuntimeBook } from './adapters/memory-runtimes.js';
import type { ClaimBook } from './claims/book.js';
import type { ClaimDispatch } from './claims/dispatch.js';
import { recordSealer } from './claims/seal.js';
import type { ClaimService } from './claims/service.js';
import { textSealer } from './claims/text-seal.js';
import type { WarmerConfig } from './config/schema.js';
import { WarmerError } from './errors.js';
import type { EventLog } from './events/log.js';
import type { ClaimHistory } from './history/history.js';
import type { IdempotencyStore } from './http/idempotency.js';
import { type CounterMaker, countInProcess } from './http/limits.js';
import type { LinkStore } from './links/link-store.js';
import type { RuntimeBook } from './runtimes/book.js';

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
  /** Who uses it opens and closes it. */
  ledger: Ledger;
  links: LinkStore;
  runtimes: RuntimeBook;
  history: ClaimHistory;
  /** Counts requests. */
  counters: CounterMaker;
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
      return inSqlite(config, config.store.path, logger);
    case 'redis':
      return inRedis(config, config.store, logger);
  }
}

function inMemory(): Stores {
  const ledger = new MemoryLedger(systemClock, randomUUID());
  return alone({
    book: new MemoryClaimBook(),
    runtimes: new MemoryRuntimeBook(),
    history: new MemoryClaimHistory(),
    ledger,
    links: new LedgerLinks(ledger, Date.now),
    closeLinks: () => {},
  });
}

async function inSqlite(config: WarmerConfig, path: string, logger: StoreLogger): Promise<Stores> {
  const [{ SqliteClaimBook }, { SqliteClaimHistory }, { SqliteRuntimeBook }, { sqliteLedger }, { SnapshotLinks }] =
    await Promise.all([
      import('./adapters/sqlite-book.js'),
      import('./adapters/sqlite-history.js'),
      import('./adapters/sqlite-runtimes.js'),
      import('@pilotlight/warming/sqlite'),
      import('@pilotlight/snapshots'),
    ]);
  const sealKey = sealKeyOf(config);
  const book = new SqliteClaimBook(path, recordSealer(sealKey));
  const { directory = `${dirname(path)}/snapshots`, linkTtlMs } = config.snapshots;
  const links = new SnapshotLinks({ directory, ttlMs: linkTtlMs });
  return {
    ...alone({
      book,
      runtimes: new SqliteRuntimeBook(path, textSealer(sealKey)),
      history: new SqliteClaimHistory(path),
      ledger: sqliteLedger({ path: `${path}.ledger` }),
      links,
      closeLinks: () => links.close(),
    }),
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

function alone(
  parts: Pick<Stores, 'book' | 'runtimes' | 'history' | 'ledger' | 'links'> & { closeLinks: () => void },
): Stores {
  const log = new MemoryEventLog({ now: Date.now });
  const { closeLinks, ...kept } = parts;
  return {
    ...kept,
    log,
    counters: countInProcess,
    idempotency: new MemoryIdempotencyStore({ now: Date.now }),
    dispatch: undefined,
    begin: async () => {},
    async close() {
      await log.close();
      await kept.book.close();
      await kept.runtimes.close();
      await kept.history.close();
      closeLinks();
    },
  };
}

async function inRedis(
  config: WarmerConfig,
  { url, prefix }: { url: string; prefix: string },
  logger: StoreLogger,
): Promise<Stores> {
  const sealKey = sealKeyOf(config);
  const [
    { Redis },
    { RedisClaimBook },
    { RedisClaimHistory },
    { RedisRuntimeBook },
    { redisCounters },
    { RedisEventLog },
    { RedisIdempotencyStore },
    { BullJobs },
    { redisLedger },
  ] = await Promise.all([
    import('ioredis'),
    import('./adapters/redis-book.js'),
    import('./adapters/redis-history.js'),
    import('./adapters/redis-runtimes.js'),
    import('./adapters/redis-counters.js'),
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
  const listener = new Redis(url, { maxRetriesPerRequest: null });
  for (const client of [redis, writer, reader, listener])
    client.on('error', (error) => logger.warn({ err: error }, 'redis'));
  try {
    await redis.connect();
  } catch (error) {
    for (const client of [redis, writer, reader, listener]) client.disconnect();
    throw new WarmerError('invalid_option', `Redis cannot be reached. Start it, or correct "store.url".`, {
      cause: error,
    });
  }
  const runtimes = new RedisRuntimeBook({ redis, listener, prefix, sealer: textSealer(sealKey) });
  const ledger = redisLedger({ url, fleet: config.fleet });
  const log = await RedisEventLog.open({ writer, reader, prefix, logger, now: Date.now });
  const { createsPerSecond, maxConcurrentCreates } = config.budget;
  const jobs = new BullJobs({
    url,
    prefix,
    replica: randomBytes(8).toString('hex'),
    createsPerSecond,
    concurrency: maxConcurrentCreates,
    leaseMs: config.recovery.leaseMs,
    logger,
  });
  return {
    book: new RedisClaimBook({ redis, prefix, sealer: recordSealer(sealKey), now: Date.now }),
    runtimes,
    history: new RedisClaimHistory({ redis, prefix }),
    counters: redisCounters(redis, prefix),
    log,
    idempotency: new RedisIdempotencyStore({ redis, prefix }),
    ledger,
    links: new LedgerLinks(ledger, Date.now),
    dispatch: jobs,
    begin: (claims) => jobs.start(claims),
    async close() {
      await jobs.close();
      await log.close();
      await runtimes.close();
      redis.disconnect();
      writer.disconnect();
    },
  };
}

function sealKeyOf({ sealKey }: WarmerConfig): string {
  if (sealKey !== undefined) return sealKey;
  throw new WarmerError(
    'invalid_option',
    'A store that outlives the process needs "sealKey". Make one with "pilotlight token --seal-key" and set PILOTLIGHT_SEAL_KEY.',
  );
}
