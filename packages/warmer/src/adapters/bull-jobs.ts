import { DelayedError, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { ClaimDispatch } from '../claims/dispatch.js';
import { type ClaimRecord, hasEnded } from '../claims/record.js';
import type { ClaimService } from '../claims/service.js';
import type { StoreLogger } from '../stores.js';

interface ClaimJob {
  claimId: string;
  /** The replica that works on it already; undefined while nobody does. */
  holder: string | undefined;
}

export interface BullJobsParts {
  url: string;
  prefix: string;
  replica: string;
  /** Of the whole installation: one budget, whatever the number of replicas. */
  createsPerSecond: number;
  /** Of this replica. */
  concurrency: number;
  /** Time for a replica to show that it lives, as in the engine. */
  leaseMs: number;
  logger: StoreLogger;
}

/** Shorter ones would be lost by a process that is merely busy. */
const shortestLockMs = 3_000;
const attempts = 5;

/**
 * Warm-up work as BullMQ jobs: one line for all replicas, interactive claims first, no faster than the create budget,
 * and a job whose replica died goes to another one.
 */
export class BullJobs implements ClaimDispatch {
  readonly #parts: BullJobsParts;
  readonly #queue: Queue<ClaimJob>;
  readonly #redis: Redis;
  readonly #listener: Redis;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  /** After this time without a sign a replica counts as gone. */
  readonly #lockMs: number;
  #worker: Worker<ClaimJob> | undefined;

  constructor(parts: BullJobsParts) {
    this.#parts = parts;
    this.#lockMs = Math.max(shortestLockMs, parts.leaseMs / 3);
    this.#redis = new Redis(parts.url, { maxRetriesPerRequest: 1, commandTimeout: 2_000 });
    this.#listener = new Redis(parts.url, { maxRetriesPerRequest: null });
    for (const client of [this.#redis, this.#listener]) client.on('error', () => {});
    this.#queue = new Queue(queueName, { connection: connectionOf(parts.url), prefix: `${parts.prefix}-jobs` });
    this.#queue.on('error', (error) => parts.logger.warn({ err: error }, 'the job queue cannot be reached'));
    const beat = (): void => {
      this.#redis.set(this.#heartbeatKey(parts.replica), '1', 'PX', Math.round(this.#lockMs)).catch(() => undefined);
    };
    beat();
    this.#heartbeat = setInterval(beat, this.#lockMs / 3);
  }

  /** Begins to work. */
  async start(claims: ClaimService): Promise<void> {
    const { url, prefix, createsPerSecond, concurrency, logger } = this.#parts;
    this.#worker = new Worker<ClaimJob>(
      queueName,
      async (job, token) => {
        const record = await claims.find(job.data.claimId);
        if (!record || hasEnded(record) || record.status.state === 'HOT') return;
        if (await this.#heldElsewhere(job.data)) {
          await job.moveToDelayed(Date.now() + this.#lockMs, token);
          throw new DelayedError();
        }
        try {
          await claims.runToEnd(record, (progress) => {
            job.updateProgress(progress).catch(() => undefined);
          });
        } catch (error) {
          if (job.attemptsMade + 1 < attempts) throw error;
          await claims.fail(record, error);
        }
      },
      {
        connection: connectionOf(url),
        prefix: `${prefix}-jobs`,
        concurrency,
        lockDuration: this.#lockMs,
        stalledInterval: this.#lockMs / 2,
        maxStalledCount: 5,
        limiter: { max: Math.max(1, Math.round(createsPerSecond)), duration: 1_000 },
      },
    );
    this.#worker.on('error', (error) => logger.warn({ err: error }, 'the job worker has trouble'));
    await this.#listener.subscribe(`${prefix}:give-up`);
    this.#listener.on('message', (_channel, claimId) => {
      claims.giveUp(claimId).catch((error: unknown) => logger.warn({ err: error, claimId }, 'not given up'));
    });
  }

  async enqueue(record: ClaimRecord, held: boolean): Promise<void> {
    const job: ClaimJob = { claimId: record.claimId, holder: held ? this.#parts.replica : undefined };
    await this.#queue.add('claim', job, {
      jobId: record.claimId,
      priority: record.details?.priority === 'background' ? 100 : 1,
      attempts,
      backoff: { type: 'exponential', delay: 500 },
      removeOnComplete: true,
      removeOnFail: 1_000,
    });
  }

  async withdraw(record: ClaimRecord): Promise<boolean> {
    const job = await this.#queue.getJob(record.claimId);
    const waiting = job && !job.data.holder && !(await job.isActive());
    if (job && waiting) {
      try {
        await job.remove();
        return true;
      } catch {
        // Somebody took it in this very moment: they are asked to give it up.
      }
    }
    await this.#redis.publish(`${this.#parts.prefix}:give-up`, record.claimId);
    return false;
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    // What this replica worked on goes to another one at once, not after a lost lock.
    await this.#redis.del(this.#heartbeatKey(this.#parts.replica)).catch(() => undefined);
    await this.#worker?.close(true);
    await this.#queue.close();
    this.#listener.disconnect();
    this.#redis.disconnect();
  }

  async #heldElsewhere({ holder }: ClaimJob): Promise<boolean> {
    if (holder === undefined || holder === this.#parts.replica) return false;
    return (await this.#redis.exists(this.#heartbeatKey(holder))) === 1;
  }

  #heartbeatKey(replica: string): string {
    return `${this.#parts.prefix}:replica:${replica}`;
  }
}

const queueName = 'warming';

/** BullMQ waits for Redis as long as it takes. */
function connectionOf(url: string) {
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  return {
    host: hostname,
    port: Number(port || 6379),
    maxRetriesPerRequest: null,
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 ? { db: Number(pathname.slice(1)) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}
