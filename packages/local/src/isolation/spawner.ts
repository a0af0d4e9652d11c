import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { MessageReader, packFields, unpackFields } from './frames.js';
import { MachineError } from './machine.js';

/** A task on a sandbox's files ended with another status than 0. */
export class TaskError extends MachineError {
  readonly status: number;

  constructor(status: number, text: string) {
    super('resources', `a task on the sandbox's files failed: ${text}`);
    this.status = status;
  }
}

function pairs(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([key, value]) => `${key}=${value}`);
}

const Kind = {
  create: 1,
  kill: 2,
  task: 3,
  probe: 4,
  relayer: 5,
  freeze: 6,
  thaw: 7,
  harden: 8,
  hurry: 9,
  exited: 65,
  done: 66,
  level: 67,
  refused: 68,
} as const;

export interface SpawnerProbe {
  available: boolean;
  reason: string;
  /** `range`: every user id of a sandbox has its own host id; `single`: there is one. */
  identities: 'range' | 'single';
}

/**
 * The small process that starts sandboxes. It is started once and early, because starting a process from Node takes
 * longer the more memory the host holds (25-35 ms at 1.25 GB, against 3 ms through this process).
 */
export class Spawner {
  private readonly child: ChildProcess;
  private readonly input: Writable;
  private readonly exits = new Map<string, (reason: string) => void>();
  private readonly tasks = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  private readonly ended: Promise<void>;
  private nextTask = 1;
  private onProbe: ((probe: SpawnerProbe) => void) | undefined;

  constructor(perl: string, program: string, instanceDirectory: string) {
    this.child = spawn(perl, [program, instanceDirectory], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    this.input = this.child.stdin as Writable;
    this.input.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.child.once('error', () => resolve());
      this.child.once('close', () => resolve());
    });
    void this.ended.then(() => this.lose());
    const reader = new MessageReader(5, 1 << 20);
    (this.child.stdout as Readable).on('data', (chunk: Buffer) => {
      for (const { header, body } of reader.read(chunk)) {
        this.receive(header[4] as number, unpackFields(body));
      }
    });
  }

  /** What the spawner can do here; the answer for a spawner that could not start is "not available". */
  async probe(): Promise<SpawnerProbe> {
    const answer = new Promise<SpawnerProbe>((resolve) => {
      this.onProbe = resolve;
    });
    this.send(Kind.probe, []);
    const lost = this.ended.then<SpawnerProbe>(() => ({
      available: false,
      reason: 'Perl could not be started',
      identities: 'single',
    }));
    return Promise.race([answer, lost]);
  }

  /** `onExit` is called exactly once, when the sandbox's first process is gone or could not be started. */
  create(id: string, settings: Readonly<Record<string, string>>, onExit: (reason: string) => void): void {
    if (this.child.exitCode !== null) {
      onExit('the spawner has ended');
      return;
    }
    this.exits.set(id, onExit);
    this.send(Kind.create, pairs({ id, ...settings }));
  }

  kill(id: string): void {
    this.send(Kind.kill, [id]);
  }

  /** Somebody waits now for a sandbox that was made ahead. */
  hurry(id: string): void {
    this.send(Kind.hurry, [id]);
  }

  task(command: readonly string[]): Promise<void> {
    return this.startTask(Kind.task, command);
  }

  /** Gives a running sandbox a new top layer over these settings' layers. Rejects with {@link TaskError}. */
  relayer(settings: Readonly<Record<string, string>>): Promise<void> {
    return this.startTask(Kind.relayer, pairs(settings));
  }

  freeze(id: string): Promise<void> {
    return this.startTask(Kind.freeze, [id]);
  }

  thaw(id: string): Promise<void> {
    return this.startTask(Kind.thaw, [id]);
  }

  /** From now on sandboxes are limited by control groups under this name. Rejects with the reason when they cannot be. */
  harden(group: string): Promise<void> {
    return this.startTask(Kind.harden, [group]);
  }

  /** Takes {@link harden} back. */
  async soften(): Promise<void> {
    await this.startTask(Kind.harden, ['']).catch(() => {});
  }

  private startTask(kind: number, fields: readonly string[]): Promise<void> {
    const id = String(this.nextTask++);
    return new Promise((resolve, reject) => {
      this.tasks.set(id, { resolve, reject });
      this.send(kind, [id, ...fields]);
    });
  }

  /** Ends the spawner, which kills what is left and removes the instance directory. */
  async close(): Promise<void> {
    this.input.end();
    await this.ended;
  }

  /** Ends the spawner and leaves the instance directory to the caller. */
  async abandon(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private send(kind: number, fields: readonly string[]): void {
    const body = packFields(fields);
    const header = Buffer.allocUnsafe(5);
    header.writeUInt32BE(body.length);
    header.writeUInt8(kind, 4);
    this.input.write(Buffer.concat([header, body]));
  }

  private receive(kind: number, fields: Buffer[]): void {
    const [first = '', second = '', third = ''] = fields.map((field) => field.toString());
    if (kind === Kind.exited || kind === Kind.refused) {
      const onExit = this.exits.get(first);
      this.exits.delete(first);
      onExit?.(second);
    } else if (kind === Kind.done) {
      const task = this.tasks.get(first);
      this.tasks.delete(first);
      if (second === '0') {
        task?.resolve();
      } else {
        task?.reject(new TaskError(Number(second) >> 8, third.trim()));
      }
    } else if (kind === Kind.level) {
      this.onProbe?.({
        available: first === 'namespaces',
        reason: second,
        identities: third === 'range' ? 'range' : 'single',
      });
    }
  }

  private lose(): void {
    for (const onExit of this.exits.values()) {
      onExit('the spawner has ended');
    }
    this.exits.clear();
    for (const task of this.tasks.values()) {
      task.reject(new MachineError('gone', 'the spawner has ended'));
    }
    this.tasks.clear();
  }
}
