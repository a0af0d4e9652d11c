import { type ChildProcess, fork } from 'node:child_process';

const alive = new Set<ChildProcess>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    for (const child of alive) child.kill('SIGTERM');
    process.exit(1);
  });
}

/** Ends a process with this one, also when this one is stopped in the middle. */
export function endsWithUs<Process extends ChildProcess>(child: Process): Process {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

/** A program of this folder in a process of its own: client and server must not share an event loop. */
export class Child<Hello> {
  readonly #process: ChildProcess;
  readonly hello: Promise<Hello>;

  constructor(file: string, words: readonly string[], flags: readonly string[] = []) {
    this.#process = endsWithUs(
      fork(file, words, { execArgv: [...flags], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
    this.hello = this.#next<Hello>();
  }

  /** Sends a question and resolves with its answer. One at a time. */
  ask<Answer>(question: string): Promise<Answer> {
    const answer = this.#next<Answer>();
    this.#process.send(question);
    return answer;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await gone;
  }

  #next<Value>(): Promise<Value> {
    return new Promise((resolve, reject) => {
      const failed = (code: number | null): void => reject(new Error(`the measured process ended with ${code}`));
      this.#process.once('exit', failed);
      this.#process.once('message', (value) => {
        this.#process.off('exit', failed);
        resolve(value as Value);
      });
    });
  }
}
