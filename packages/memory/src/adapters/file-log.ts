import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import writeFileAtomic from 'write-file-atomic';
import type { LogNews, RecordLog } from '../embedded/log.js';
import { MemoryError } from '../errors.js';

const newline = 0x0a;
const lockStaleMs = 5_000;
const mostAttempts = 300;

/** A log of lines in one file, readable by its owner only. Writers of several processes take turns by a lock beside it. */
export class FileLog implements RecordLog {
  readonly #path: string;
  #inode = 0n;
  #offset = 0;
  #torn = false;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  async read(): Promise<LogNews> {
    const file = await open(this.#path, 'r').catch((failure: NodeJS.ErrnoException) => {
      if (failure.code === 'ENOENT') return undefined;
      throw failed(failure);
    });
    if (file === undefined) {
      const reset = this.#offset > 0;
      this.#offset = 0;
      this.#inode = 0n;
      return { reset, lines: [] };
    }
    try {
      const { ino, size } = await file.stat({ bigint: true });
      // A rewrite renames a new file into place, so another inode is another log.
      const reset = this.#inode !== 0n && (ino !== this.#inode || Number(size) < this.#offset);
      if (reset) this.#offset = 0;
      this.#inode = ino;
      const added = Number(size) - this.#offset;
      if (added === 0) return { reset, lines: [] };
      const bytes = Buffer.alloc(added);
      const { bytesRead } = await file.read(bytes, 0, added, this.#offset);
      const whole = bytes.subarray(0, bytesRead).lastIndexOf(newline) + 1;
      this.#torn = whole < bytesRead;
      this.#offset += whole;
      const text = bytes.toString('utf8', 0, whole);
      return { reset, lines: text.split('\n').filter((line) => line !== '') };
    } catch (failure) {
      throw failed(failure);
    } finally {
      await file.close();
    }
  }

  async exclusively<Value>(work: () => Promise<Value>): Promise<Value> {
    const release = await this.#lock();
    try {
      return await work();
    } finally {
      await release();
    }
  }

  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const file = await open(this.#path, 'a', 0o600).catch((failure) => {
      throw failed(failure);
    });
    try {
      // Only a crashed writer leaves half a line; a line feed keeps it apart from ours.
      await file.appendFile(`${this.#torn ? '\n' : ''}${lines.join('\n')}\n`);
      await file.datasync();
    } catch (failure) {
      throw failed(failure);
    } finally {
      await file.close();
    }
  }

  async #lock(): Promise<() => Promise<void>> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 }).catch((failure) => {
      throw failed(failure);
    });
    for (let attempt = 1; ; attempt += 1) {
      try {
        const options = { realpath: false, stale: lockStaleMs, onCompromised: ignoreLoss };
        const release = await lockfile.lock(this.#path, options);
        return () => release().catch(ignoreLoss);
      } catch (failure) {
        if ((failure as NodeJS.ErrnoException).code !== 'ELOCKED') throw failed(failure);
        if (attempt === mostAttempts) {
          const next = 'Try again, or give each service its own file.';
          throw new MemoryError('store_busy', `Another process keeps the memory file locked. ${next}`, {
            cause: failure,
          });
        }
      }
      await sleep(Math.min(50, 2 + attempt * 2) * (0.5 + Math.random()));
    }
  }

  async rewrite(lines: Iterable<string>): Promise<void> {
    const text = [...lines].map((line) => `${line}\n`).join('');
    await writeFileAtomic(this.#path, text, { mode: 0o600, fsync: true }).catch((failure) => {
      throw failed(failure);
    });
  }
}

/** The holder stalled for so long that another process took the lock over; its own release has nothing left to do. */
function ignoreLoss(): void {}

function failed(cause: unknown): MemoryError {
  return new MemoryError(
    'store_failed',
    'The memory file could not be read or written. Check its path, its rights and the space left.',
    { cause },
  );
}
