import { type ChannelStream, CreditLine, Frame, type SendFrame, windowBytes } from './channel-frames.js';
import { type ExitStatus, MachineError, type MachineProcess, type RunRequest, type TerminalSize } from './machine.js';

interface ProcessEvents {
  onStarted: () => void;
  onFailed: (payload: Buffer) => void;
  onClosed: () => void;
}

/** A command of the sandbox, seen from the host. */
export class AgentProcess implements MachineProcess, ChannelStream {
  pid = 0;
  readonly exit: Promise<ExitStatus>;
  private settle: (status: ExitStatus) => void = () => {};
  private ended = false;
  private inFlightBytes = 0;
  private waiting: (() => void)[] = [];
  private readonly credit: CreditLine;
  private readonly request: RunRequest;
  private readonly send: SendFrame;
  private readonly events: ProcessEvents;

  constructor(request: RunRequest, send: SendFrame, events: ProcessEvents) {
    this.request = request;
    this.send = send;
    this.events = events;
    this.credit = new CreditLine(send);
    this.exit = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length; offset += windowBytes / 2) {
      const part = chunk.subarray(offset, offset + windowBytes / 2);
      while (!this.ended && this.inFlightBytes + part.length > windowBytes) {
        await new Promise<void>((resolve) => this.waiting.push(resolve));
      }
      if (this.ended) {
        throw new MachineError('gone', 'the command has ended');
      }
      this.inFlightBytes += part.length;
      this.send(Frame.data, part);
    }
  }

  endInput(): void {
    this.send(Frame.finish, Buffer.alloc(0));
  }

  signal(number: number): void {
    this.send(Frame.signal, Buffer.from([number]));
  }

  resize(size: TerminalSize): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt16BE(size.columns, 0);
    payload.writeUInt16BE(size.rows, 2);
    this.send(Frame.resize, payload);
  }

  receive(kind: number, payload: Buffer): void {
    switch (kind) {
      case Frame.started:
        this.pid = payload.readUInt32BE(0);
        this.events.onStarted();
        break;
      case Frame.output:
        this.deliver(this.request.terminal ? 'pty' : 'stdout', payload);
        break;
      case Frame.error:
        this.deliver('stderr', payload);
        break;
      case Frame.drained:
        this.inFlightBytes -= payload.readUInt32BE(0);
        this.wake();
        break;
      case Frame.exit:
        this.end(exitStatus(payload.readUInt32BE(0)));
        break;
      case Frame.failed:
        this.events.onFailed(payload);
        this.end({ kind: 'lost' });
        break;
      default:
        break;
    }
  }

  lose(): void {
    this.events.onFailed(Buffer.alloc(0));
    this.end({ kind: 'lost' });
  }

  private deliver(kind: 'stdout' | 'stderr' | 'pty', payload: Buffer): void {
    this.request.onOutput(kind, payload, () => this.credit.release(payload.length));
  }

  private end(status: ExitStatus): void {
    this.ended = true;
    this.wake();
    this.events.onClosed();
    this.settle(status);
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) {
      resolve();
    }
  }
}

/** The status word of wait(2). */
export function exitStatus(word: number): ExitStatus {
  const signal = word & 0x7f;
  return signal === 0 ? { kind: 'exited', code: (word >> 8) & 0xff } : { kind: 'signaled', signal };
}
