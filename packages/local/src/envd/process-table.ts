import type { ExitStatus, Machine, MachineProcess, OutputKind, RunRequest } from '../isolation/machine.js';

export interface ProcessDescription {
  command: string;
  arguments: readonly string[];
  envs: Readonly<Record<string, string>>;
  cwd: string | undefined;
  tag: string | undefined;
}

export type ProcessEvent =
  | { kind: 'output'; output: OutputKind; chunk: Buffer; release: () => void }
  | { kind: 'end'; status: ExitStatus };

export type ProcessListener = (event: ProcessEvent) => void;

/** How long a command that ended can still be connected to: its end is told again. */
const lingerMs = 5_000;

/** A command with any number of listeners, none of which it waits for to appear. */
export class ManagedProcess {
  readonly description: ProcessDescription;
  readonly hasTerminal: boolean;
  process!: MachineProcess;
  status: ExitStatus | undefined;
  private readonly listeners = new Set<ProcessListener>();

  constructor(description: ProcessDescription, hasTerminal: boolean) {
    this.description = description;
    this.hasTerminal = hasTerminal;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** The listener gets what is printed from now on, and the end exactly once. */
  listen(listener: ProcessListener): () => void {
    if (this.status) {
      listener({ kind: 'end', status: this.status });
      return () => {};
    }
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Output is released when every listener has taken it; without listeners it is dropped. */
  output(output: OutputKind, chunk: Buffer, release: () => void): void {
    let pending = this.listeners.size;
    if (pending === 0) {
      release();
      return;
    }
    const releaseOne = () => {
      pending -= 1;
      if (pending === 0) {
        release();
      }
    };
    for (const listener of this.listeners) {
      listener({ kind: 'output', output, chunk, release: releaseOne });
    }
  }

  end(status: ExitStatus): void {
    this.status = status;
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) {
      listener({ kind: 'end', status });
    }
  }
}

/** The commands of one sandbox that were started over its API. */
export class ProcessTable {
  private readonly processes = new Map<number, ManagedProcess>();

  /** The listener is in place before the command prints its first byte. */
  async start(
    machine: Machine,
    description: ProcessDescription,
    request: Pick<RunRequest, 'user' | 'cwd' | 'envs' | 'terminal' | 'withInput'>,
    listener: ProcessListener,
  ): Promise<{ managed: ManagedProcess; stop: () => void }> {
    const managed = new ManagedProcess(description, request.terminal !== undefined);
    const stop = managed.listen(listener);
    managed.process = await machine.run({
      ...request,
      arguments: [description.command, ...description.arguments],
      onOutput: (output, chunk, release) => managed.output(output, chunk, release),
    });
    const { pid } = managed;
    this.processes.set(pid, managed);
    void managed.process.exit.then((status) => {
      managed.end(status);
      const timer = setTimeout(() => {
        if (this.processes.get(pid) === managed) {
          this.processes.delete(pid);
        }
      }, lingerMs);
      timer.unref();
    });
    return { managed, stop };
  }

  list(): ManagedProcess[] {
    return [...this.processes.values()].filter((process) => process.status === undefined);
  }

  /** Also finds a command that ended a moment ago. */
  find(selector: { pid: number } | { tag: string }): ManagedProcess | undefined {
    if ('pid' in selector) {
      return this.processes.get(selector.pid);
    }
    return [...this.processes.values()].reverse().find((process) => process.description.tag === selector.tag);
  }

  clear(): void {
    this.processes.clear();
  }
}
