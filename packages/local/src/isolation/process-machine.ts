import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import {
  type ExitStatus,
  type Machine,
  MachineError,
  type MachineProcess,
  type MachineUsage,
  type RunRequest,
} from './machine.js';
import { ProcessFiles } from './process-files.js';
import { signalName, signalNumber } from './signals.js';

const heldLimitBytes = 131_072;

/** A sandbox without isolation: its commands are children of the host, each with its own process group. */
export class ProcessMachine implements Machine {
  readonly files: ProcessFiles;
  readonly generation = 0;
  readonly ended: Promise<void>;
  private readonly children = new Set<ChildProcess>();
  private readonly root: string;
  private readonly remember: (pid: number) => () => void;
  private end: () => void = () => {};
  private alive = true;

  constructor(root: string, remember: (pid: number) => () => void) {
    this.root = root;
    this.remember = remember;
    this.files = new ProcessFiles(root);
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  async run(request: RunRequest): Promise<MachineProcess> {
    if (!this.alive) {
      throw new MachineError('gone', 'the sandbox is not running any more');
    }
    if (request.terminal) {
      throw new MachineError('terminal', 'terminals need isolation level "namespaces"; this host runs at "process"');
    }
    const home = this.files.locate(request.user, '');
    const cwd = this.files.locate(request.user, request.cwd);
    if (!existsSync(cwd)) {
      throw new MachineError('cwd', `cwd "${request.cwd}" does not exist`);
    }
    const [program = '', ...list] = request.arguments;
    const identity = { HOME: home, USER: request.user, LOGNAME: request.user, TMPDIR: join(this.root, 'tmp') };
    const child = spawn(program, list, {
      cwd,
      detached: true,
      env: { ...identity, ...request.envs },
      stdio: [request.withInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    const exit = follow(child, request);
    await Promise.race([once(child, 'spawn'), once(child, 'error')]).catch(() => {});
    if (child.pid === undefined) {
      throw new MachineError('exec', `${program} could not be started`);
    }
    this.children.add(child);
    const forget = this.remember(child.pid);
    void exit.then(() => {
      forget();
      this.children.delete(child);
    });
    return new ChildHandle(child, child.pid, exit);
  }

  async connect(port: number): Promise<Duplex> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      throw new MachineError('refused', `nothing listens on port ${port}`, { cause: error });
    }
  }

  async freeze(): Promise<void> {
    this.signalAll('SIGSTOP');
  }

  async thaw(): Promise<void> {
    this.signalAll('SIGCONT');
  }

  async sealLive(): Promise<undefined> {
    return undefined;
  }

  entered(): void {}

  async usage(): Promise<MachineUsage> {
    return { memoryBytes: 0, cpuTicks: 0 };
  }

  async kill(): Promise<void> {
    this.alive = false;
    const exits = [...this.children].map((child) => (child.exitCode === null ? once(child, 'exit') : undefined));
    this.signalAll('SIGKILL');
    await Promise.all(exits);
    this.end();
  }

  private signalAll(signal: NodeJS.Signals): void {
    for (const { pid } of this.children) {
      try {
        process.kill(-(pid as number), signal);
      } catch {
        // The group has ended by itself.
      }
    }
  }
}

class ChildHandle implements MachineProcess {
  readonly pid: number;
  readonly exit: Promise<ExitStatus>;
  private readonly child: ChildProcess;

  constructor(child: ChildProcess, pid: number, exit: Promise<ExitStatus>) {
    this.child = child;
    this.pid = pid;
    this.exit = exit;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { stdin } = this.child;
    if (!stdin?.writable) {
      throw new MachineError('gone', 'the command reads no input any more');
    }
    if (!stdin.write(chunk)) {
      await Promise.race([once(stdin, 'drain'), this.exit]);
    }
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  signal(number: number): void {
    this.child.kill(signalName(number));
  }

  resize(): void {}
}

function follow(child: ChildProcess, request: RunRequest): Promise<ExitStatus> {
  child.stdin?.on('error', () => {});
  for (const kind of ['stdout', 'stderr'] as const) {
    const stream = child[kind];
    let heldBytes = 0;
    stream?.on('data', (chunk: Buffer) => {
      heldBytes += chunk.length;
      if (heldBytes > heldLimitBytes) {
        stream.pause();
      }
      request.onOutput(kind, chunk, () => {
        heldBytes -= chunk.length;
        stream.resume();
      });
    });
  }
  return new Promise((resolve) => {
    child.once('error', () => resolve({ kind: 'lost' }));
    child.once('close', (code, signal) => {
      resolve(signal ? { kind: 'signaled', signal: signalNumber(signal) } : { kind: 'exited', code: code ?? 0 });
    });
  });
}
