import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import writeFileAtomic from 'write-file-atomic';
import type { LogNews, RecordLog } from '../embedded/log.js';
import { MemoryError } from '../errors.js';

const newline = 0x0a;
const headerBytes = 256;
const lockStaleMs = 5_000;
const mostAttempts = 300;

/** A log of lines in one file, readable by its owner only. Writers of several processes take turns by a lock beside it. */
export class FileLog implements RecordLog {
  readonly #path: string;
  /** What the file looked like when it was last read; an equal look means no news. */
  #look = '';
  /** The first line, which every rewrite makes anew: another first line is another log. */
  #header = '';
  #offset = 0;
  #torn = false;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  async read(): Promise<LogNews> {
    try {
      const { ino, size, ctimeNs } = await stat(this.#path, { bigint: true });
      const look = `${ino}/${size}/${ctimeNs}`;
      if (look === this.#look) return { reset: false, lines: [] };
      const file = await open(this.#path, 'r');
      try {
        const news = await this.#readFrom(file);
        this.#look = look;
        return news;
      } finally {
        await file.close();
      }
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== 'ENOENT') throw failed(failure);
      const reset = this.#offset > 0;
      this.#look = '';
      this.#header = '';
      this.#offset = 0;
      return { reset, lines: [] };
    }
  }

  async #readFrom(file: FileHandle): Promise<LogNews> {
    const head = (await bytesOf(file, 0, headerBytes)).toString('utf8');
    const header = head.slice(0, head.indexOf('\n') + 1);
    const reset = this.#offset > 0 && header !== this.#header;
    if (reset) this.#offset = 0;
    this.#header = header;
    const { size } = await file.stat();
    const added = await bytesOf(file, this.#offset, Math.max(0, size - this.#offset));
    const whole = added.lastIndexOf(newline) + 1;
    this.#torn = whole < added.length;
    this.#offset += whole;
    const lines = added.toString('utf8', 0, whole).split('\n');
    return { reset, lines: lines.filter((line) => line !== '') };
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
      const before = this.#torn ? '\n' : this.#offset === 0 ? freshHeader() : '';
      await file.appendFile(`${before}${lines.join('\n')}\n`);
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
    const text = freshHeader() + [...lines].map((line) => `${line}\n`).join('');
    await writeFileAtomic(this.#path, text, { mode: 0o600, fsync: true }).catch((failure) => {
      throw failed(failure);
    });
  }
}

function freshHeader(): string {
  return `${JSON.stringify({ op: 'log', version: 1, id: randomUUID() })}\n`;
}

async function bytesOf(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, from);
  return bytes.subarray(0, bytesRead);
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
