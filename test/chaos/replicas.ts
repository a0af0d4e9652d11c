import { type ChildProcess, fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Answer, Order, ReplicaSettings } from './protocol.js';

export type OrderOf = Order extends infer One ? (One extends Order ? Omit<One, 'id'> : never) : never;

/** Builds the replica once, so that starting it again takes as long as starting a process. */
export async function buildReplica(): Promise<string> {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/pilotlight-chaos', import.meta.url));
  await mkdir(folder, { recursive: true });
  const outfile = `${folder}/replica.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL('replica.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@pilotlight/source'],
    external: ['e2b', 'ioredis', 'libsql'],
    logLevel: 'error',
  });
  return outfile;
}

/** A process of the fleet as the runner sees it: it may be dead at any moment. */
export interface FleetReplica {
  readonly ready: Promise<void>;
  readonly dead: boolean;
  /** @throws when the replica dies before it answers */
  ask(order: OrderOf): Promise<Omit<Answer, 'id'>>;
  kill(): Promise<void>;
}

/** One that is asked by message: the engine alone. */
export class Replica implements FleetReplica {
  readonly ready: Promise<void>;
  dead = false;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #ids = 0;

  constructor(file: string, settings: ReplicaSettings) {
    this.#process = fork(file, [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.ready = new Promise((resolve) => {
      this.#process.on('message', (answer: Answer) => {
        if (answer.id === 0) resolve();
        this.#waiting.get(answer.id)?.resolve(answer);
        this.#waiting.delete(answer.id);
      });
      this.#process.once('exit', () => {
        this.dead = true;
        for (const { reject } of this.#waiting.values()) reject(new Error('the replica died'));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  ask(order: OrderOf): Promise<Answer> {
    if (this.dead) return Promise.reject(new Error('the replica died'));
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ ...order, id });
    });
  }

  async kill(): Promise<void> {
    if (this.dead) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}
