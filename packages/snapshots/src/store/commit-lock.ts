import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { fileSystemError, SnapshotError } from '../errors.js';
import { decodeMark, encodeMark, lifeOf, type ProcessMark } from './process-mark.js';

/**
 * The short lock under which a commit becomes visible. Tickets are numbered and the highest decides: it is taken by
 * creating the next number, given back by a `.free` file beside it, and never deleted while it is the highest. So a dead
 * holder is passed over by making a higher number, and no live holder's ticket is ever removed.
 */
export class CommitLock {
  readonly #directory: string;
  readonly #clock: Clock;
  /** A file with this process's mark: a ticket is a link to it, so it is there with its content or not at all. */
  readonly #markPath: string;
  /** A holder on another machine counts as gone after this long. */
  readonly #staleMs: number;
  readonly #timeoutMs: number;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: {
    directory: string;
    markPath: string;
    clock: Clock;
    mark: ProcessMark;
    staleMs: number;
    timeoutMs: number;
  }) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#markPath = options.markPath;
    this.#staleMs = options.staleMs;
    this.#timeoutMs = options.timeoutMs;
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(this.#markPath, encodeMark(options.mark));
  }

  /**
   * Runs `work` while no other process and no other call holds the lock. `work` is synchronous and short.
   *
   * @throws {@link SnapshotError} `store_busy` when it was not free in time
   */
  async hold<Value>(work: () => Value): Promise<Value> {
    const before = this.#tail;
    let release = () => {};
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    try {
      const ticket = await this.#take();
      try {
        return work();
      } finally {
        this.#give(ticket);
      }
    } finally {
      release();
    }
  }

  /** Removes the mark; the lock cannot be taken by this process afterwards. */
  close(): void {
    rmSync(this.#markPath, { force: true });
  }

  async #take(): Promise<number> {
    let waitedMs = 0;
    let pauseMs = 1;
    for (;;) {
      const ticket = this.#tryTake();
      if (ticket !== undefined) return ticket;
      if (waitedMs >= this.#timeoutMs) {
        throw new SnapshotError(
          'store_busy',
          `The store is held by another process for more than ${this.#timeoutMs} ms. Try again; if this stays, look for a process that hangs on this directory.`,
        );
      }
      await this.#clock.sleep(pauseMs);
      waitedMs += pauseMs;
      pauseMs = Math.min(pauseMs * 2, 50);
    }
  }

  #tryTake(): number | undefined {
    const highest = this.#highest();
    if (highest > 0 && !this.#isFree(highest)) return undefined;
    const ticket = highest + 1;
    try {
      linkSync(this.#markPath, this.#path(ticket));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw fileSystemError(error, 'taking the lock of the store');
    }
    if (this.#highest() !== ticket) {
      rmSync(this.#path(ticket), { force: true });
      return undefined;
    }
    this.#removeBelow(ticket);
    return ticket;
  }

  #give(ticket: number): void {
    writeFileSync(this.#freePath(ticket), '');
  }

  #isFree(ticket: number): boolean {
    try {
      statSync(this.#freePath(ticket));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      const mark = decodeMark(readFileSync(this.#path(ticket), 'utf8'));
      const life = mark ? lifeOf(mark) : 'unknown';
      if (life !== 'unknown') return life === 'dead';
      return this.#clock.nowMs() - statSync(this.#path(ticket)).ctimeMs > this.#staleMs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  #highest(): number {
    let highest = 0;
    for (const name of readdirSync(this.#directory)) {
      if (/^\d+$/.test(name)) highest = Math.max(highest, Number(name));
    }
    return highest;
  }

  #removeBelow(ticket: number): void {
    for (const name of readdirSync(this.#directory)) {
      const number = Number.parseInt(name, 10);
      if (number < ticket) rmSync(join(this.#directory, name), { force: true });
    }
  }

  #path(ticket: number): string {
    return join(this.#directory, String(ticket));
  }

  #freePath(ticket: number): string {
    return join(this.#directory, `${ticket}.free`);
  }
}
