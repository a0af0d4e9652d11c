import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type FileAnswer, type FileRequest, FileSession } from './store/file-session.js';

/** One place where file work is carried out in order: a thread, or the host itself. */
export interface FileLane {
  ask(request: FileRequest): Promise<FileAnswer>;
}

/** The lanes of a store. Whoever made it closes it. */
export class FileExecutor {
  readonly #threads: ThreadLane[];
  readonly #inline = new InlineLane();

  /** @param threads how many threads to start; 0 does the work on the caller's thread, in slices */
  constructor(threads: number) {
    this.#threads = Array.from({ length: threads }, () => new ThreadLane(this.#inline));
  }

  lanes(): readonly FileLane[] {
    return this.#threads.length > 0 ? this.#threads : [this.#inline];
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

class InlineLane implements FileLane {
  readonly #session = new FileSession();

  async ask(request: FileRequest): Promise<FileAnswer> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    return this.#session.handle(request);
  }
}

interface Waiter {
  resolve(answer: FileAnswer): void;
  reject(error: unknown): void;
}

/** Starts its thread with the first request. A thread that cannot start hands its work to the host. */
class ThreadLane implements FileLane {
  readonly #fallback: FileLane;
  readonly #waiting = new Map<number, { request: FileRequest } & Waiter>();
  #worker: Worker | undefined;
  #state: 'idle' | 'starting' | 'running' | 'unavailable' = 'idle';
  #lastId = 0;

  constructor(fallback: FileLane) {
    this.#fallback = fallback;
  }

  ask(request: FileRequest): Promise<FileAnswer> {
    if (this.#state === 'unavailable') return this.#fallback.ask(request);
    if (this.#state === 'idle') this.#start();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { request, resolve, reject });
      this.#worker!.ref();
      this.#worker!.postMessage({ id, request });
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
    this.#state = 'idle';
  }

  #start(): void {
    this.#state = 'starting';
    const worker = startWorker();
    this.#worker = worker;
    worker.unref();
    worker.on(
      'message',
      (message: { id: number; answer?: FileAnswer; failure?: { code?: string; message: string } }) => {
        this.#state = 'running';
        const waiter = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (this.#waiting.size === 0) worker.unref();
        if (message.failure)
          waiter?.reject(Object.assign(new Error(message.failure.message), { code: message.failure.code }));
        else waiter?.resolve(message.answer!);
      },
    );
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('The file thread ended; try again.')));
  }

  /** Before its first answer nothing was done, so the host can do all of it; later, what was asked has failed. */
  #fail(error: unknown): void {
    const waiters = [...this.#waiting.values()];
    this.#waiting.clear();
    if (this.#state === 'starting') {
      this.#state = 'unavailable';
      void this.#handOver(waiters);
      return;
    }
    this.#state = this.#state === 'unavailable' ? 'unavailable' : 'idle';
    for (const waiter of waiters) waiter.reject(error);
  }

  async #handOver(waiters: readonly ({ request: FileRequest } & Waiter)[]): Promise<void> {
    for (const waiter of waiters) await this.#fallback.ask(waiter.request).then(waiter.resolve, waiter.reject);
  }
}

/** Threads make little garbage; a small young generation keeps them small. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 };

function startWorker(): Worker {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return new Worker(new URL('./file-worker.js', here), { resourceLimits });
  return new Worker(workerFromSource(here), { eval: true, execArgv: [], resourceLimits });
}

let workerCode: string | undefined;

/** A checkout has no build, and a thread of Node 20 reads no TypeScript: the entry is bundled once for each process. */
function workerFromSource(here: string): string {
  const { buildSync } = createRequire(here)('esbuild') as {
    buildSync(options: Record<string, unknown>): { outputFiles: { text: string }[] };
  };
  workerCode ??= buildSync({
    entryPoints: [fileURLToPath(new URL('./file-worker.ts', here))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  }).outputFiles[0]!.text;
  return workerCode;
}
