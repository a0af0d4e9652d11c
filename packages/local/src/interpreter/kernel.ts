import { type KernelMessage, KernelReader } from './kernel-messages.js';

/** The bytes to and from a kernel's process. */
export interface KernelConnection {
  /** How many streams say that the code has ended; nothing of it comes after the last of them. */
  readonly endMarks: 1 | 2;
  write(text: string): void;
  /** Output stays where it is until `resume`, so that user code waits for a slow reader. */
  pause(): void;
  resume(): void;
  /** Idempotent; the process ends. */
  close(): void;
}

export interface KernelListeners {
  onOutput: (chunk: Uint8Array) => void;
  /** What user code wrote to standard error without the kernel knowing. */
  onErrorOutput: (chunk: Uint8Array) => void;
  onClosed: () => void;
}

/** Starts a kernel's process; the listeners may be called before the promise settles. */
export type OpenKernel = (marker: string, listeners: KernelListeners) => Promise<KernelConnection>;

export interface KernelExecution {
  /** One line for the kernel, as its language wants it. */
  request: string;
  onMessage: (message: KernelMessage) => void;
}

/** How long code that was interrupted has to end before its kernel is killed. */
const interruptPatienceMs = 2_000;

type State =
  | { kind: 'starting'; onReady: () => void; onFailed: (error: Error) => void }
  | { kind: 'idle' }
  | {
      kind: 'running';
      onMessage: (message: KernelMessage) => void;
      onEnd: (isWhole: boolean) => void;
      endsLeft: number;
    }
  | { kind: 'closed' };

/** One interpreter process with its namespace. Runs one piece of code at a time. */
export class Kernel {
  private state: State = { kind: 'closed' };
  private connection: KernelConnection | undefined;

  /** Resolves when the kernel can take code. */
  async start(open: OpenKernel, marker: string): Promise<void> {
    const readerOf = (type: 'stdout' | 'stderr') =>
      new KernelReader(
        marker,
        (message) => this.receive(message),
        (text) => this.receive({ type, text }),
      );
    const [output, errorOutput] = [readerOf('stdout'), readerOf('stderr')];
    const ready = new Promise<void>((resolve, reject) => {
      this.state = { kind: 'starting', onReady: resolve, onFailed: reject };
    });
    ready.catch(() => {});
    const listeners = {
      onOutput: (chunk: Uint8Array) => this.read(output, chunk),
      onErrorOutput: (chunk: Uint8Array) => this.read(errorOutput, chunk),
      onClosed: () => this.closed(),
    };
    this.connection = await open(marker, listeners);
    await ready;
  }

  get isClosed(): boolean {
    return this.state.kind === 'closed';
  }

  /** False when the kernel ended before the code did. */
  run({ request, onMessage }: KernelExecution): Promise<boolean> {
    if (this.state.kind !== 'idle') {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      this.state = { kind: 'running', onMessage, onEnd: resolve, endsLeft: this.connection?.endMarks ?? 1 };
      this.connection?.write(`${request}\n`);
    });
  }

  /** Ends the code that runs, by force when it does not listen; its namespace is lost then. */
  interrupt(request: string | undefined): void {
    const { state } = this;
    if (state.kind !== 'running') {
      return;
    }
    if (request === undefined) {
      this.close();
      return;
    }
    this.connection?.write(`${request}\n`);
    const timer = setTimeout(() => {
      if (this.state === state) {
        this.close();
      }
    }, interruptPatienceMs);
    timer.unref();
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  close(): void {
    this.connection?.close();
    this.closed();
  }

  private read(reader: KernelReader, chunk: Uint8Array): void {
    try {
      reader.read(chunk);
    } catch {
      this.close();
    }
  }

  private receive(message: KernelMessage): void {
    const { state } = this;
    switch (state.kind) {
      case 'starting':
        if (message.type === 'ready') {
          this.state = { kind: 'idle' };
          state.onReady();
        }
        break;
      case 'running':
        if (message.type !== 'end') {
          state.onMessage(message);
          break;
        }
        state.endsLeft -= 1;
        if (state.endsLeft === 0) {
          this.state = { kind: 'idle' };
          state.onEnd(true);
        }
        break;
      case 'idle':
      case 'closed':
        break;
      default:
        state satisfies never;
    }
  }

  private closed(): void {
    const { state } = this;
    this.state = { kind: 'closed' };
    if (state.kind === 'starting') {
      state.onFailed(new Error('the interpreter ended before it was ready'));
    } else if (state.kind === 'running') {
      state.onEnd(false);
    }
  }
}
