import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { filterOfCommands } from './command-filter.js';
import type { KernelConnection, KernelListeners } from './kernel.js';
import { kernelProgram, zygoteProgram } from './python-program.js';

/** Where a fork has to go before it runs anybody's code. */
export interface SandboxEntrance {
  /** Host's number of the sandbox's first process, and of its process namespace. */
  process: number;
  pidNamespace: number;
  user: number;
  group: number;
}

export interface ForkRequest {
  /** Undefined where sandboxes are not kept apart: the fork stays where it is. */
  sandbox: SandboxEntrance | undefined;
  marker: string;
  cwd: string;
  envs: Readonly<Record<string, string>>;
}

const reply = z.union([
  z.object({ loaded: z.array(z.string()) }),
  z.object({ failed: z.string(), reason: z.string() }),
]);

const socketName = 'kernels.sock';
const nonceLength = 32;

/** With the Python that commands of a sandbox find too; undefined when there is none. Starts nothing yet. */
export function openZygote(directory: string, preload: readonly string[]): PythonZygote | undefined {
  const python = ['/usr/local/bin/python3', '/usr/bin/python3'].find((path) => existsSync(path));
  return python === undefined ? undefined : new PythonZygote(python, directory, preload);
}

/**
 * A Python process of the host with libraries loaded, which runs nobody's code: every kernel is a fork of it that enters
 * its sandbox first. Started when it is first needed; a fork takes milliseconds where a cold start with pandas takes
 * hundreds.
 */
export class PythonZygote {
  private readonly arrivals = new Map<string, { resolve: (socket: Socket) => void; reject: (error: Error) => void }>();
  private running: Promise<ChildProcess> | undefined;
  private server: Server | undefined;
  private isClosed = false;
  private readonly python: string;
  private readonly directory: string;
  private readonly preload: readonly string[];

  /** The directory must be one that no sandbox can see. */
  constructor(python: string, directory: string, preload: readonly string[]) {
    this.python = python;
    this.directory = directory;
    this.preload = preload;
  }

  /** Resolves when libraries are loaded; idempotent. Rejects when Python cannot be used. */
  async warm(): Promise<void> {
    this.running ??= this.start();
    await this.running;
  }

  async fork(request: ForkRequest, listeners: KernelListeners): Promise<KernelConnection> {
    this.running ??= this.start();
    const child = await this.running;
    const nonce = randomBytes(nonceLength / 2).toString('hex');
    const { sandbox, marker, cwd, envs } = request;
    const arrival = new Promise<Socket>((resolve, reject) => this.arrivals.set(nonce, { resolve, reject }));
    const settings = { marker, cwd, envs };
    this.tell(child, { op: 'fork', nonce, socket: socketName, sandbox: sandbox ?? null, settings });
    try {
      const socket = await arrival;
      return connectionOf(socket, listeners, () => this.tell(child, { op: 'kill', nonce }));
    } finally {
      this.arrivals.delete(nonce);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.server?.close();
    const child = await this.running?.catch(() => undefined);
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }

  private async start(): Promise<ChildProcess> {
    await this.listen();
    const child = spawn(
      this.python,
      ['-I', '-c', zygoteProgram(), JSON.stringify(this.preload), kernelProgram(), await filterOfCommands()],
      {
        cwd: this.directory,
        stdio: ['pipe', 'pipe', 'ignore'],
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
      },
    );
    (child.stdin as Writable).on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout as Readable }).on('line', (line) => {
        const message = reply.parse(JSON.parse(line));
        if ('loaded' in message) {
          resolve();
        } else {
          this.arrivals.get(message.failed)?.reject(new Error(message.reason));
        }
      });
      child.once('error', reject);
      child.once('close', () => {
        const error = new Error(`${this.python} ended`);
        reject(error);
        this.lose(error);
      });
    });
    if (this.isClosed) {
      child.kill('SIGKILL');
    }
    return child;
  }

  /** A zygote that ended is started anew when the next kernel is wanted. */
  private lose(error: Error): void {
    this.running = undefined;
    for (const arrival of this.arrivals.values()) {
      arrival.reject(error);
    }
  }

  private async listen(): Promise<void> {
    if (this.server) {
      return;
    }
    const server = createServer((socket) => this.arrive(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: join(this.directory, socketName), backlog: 512 }, resolve);
    });
    server.unref();
  }

  /** The first line says which fork it is; nobody but a fork can know it. */
  private arrive(socket: Socket): void {
    socket.on('error', () => {});
    let held: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      if (held.length <= nonceLength) {
        return;
      }
      socket.off('data', onData);
      socket.pause();
      const arrival = this.arrivals.get(held.toString('latin1', 0, nonceLength));
      if (!arrival) {
        socket.destroy();
        return;
      }
      if (held.length > nonceLength + 1) {
        socket.unshift(held.subarray(nonceLength + 1));
      }
      arrival.resolve(socket);
    };
    socket.on('data', onData);
  }

  private tell(child: ChildProcess, message: unknown): void {
    child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}

function connectionOf(socket: Socket, listeners: KernelListeners, kill: () => void): KernelConnection {
  socket.on('data', listeners.onOutput);
  socket.once('close', listeners.onClosed);
  socket.resume();
  return {
    endMarks: 1,
    write: (text) => void socket.write(text),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => {
      kill();
      socket.destroy();
    },
  };
}
