import { Duplex } from 'node:stream';
import { type ChannelStream, CreditLine, Frame, type SendFrame, windowBytes } from './channel-frames.js';
import { MachineError } from './machine.js';

interface ConnectionEvents {
  onOpened: () => void;
  onFailed: (payload: Buffer) => void;
  onClosed: () => void;
}

/** A TCP connection whose other end is inside the sandbox, as a Node stream with backpressure both ways. */
export class AgentConnection extends Duplex implements ChannelStream {
  private inFlightBytes = 0;
  private heldBytes = 0;
  private blocked: { chunk: Buffer; callback: (error?: Error | null) => void } | undefined;
  private readonly credit: CreditLine;
  private readonly send: SendFrame;
  private readonly events: ConnectionEvents;
  /** node:http asks its sockets for these. */
  readonly remoteAddress = '127.0.0.1';

  constructor(send: SendFrame, events: ConnectionEvents) {
    super({ allowHalfOpen: true });
    this.send = send;
    this.events = events;
    this.credit = new CreditLine(send);
    this.on('error', () => {});
  }

  receive(kind: number, payload: Buffer): void {
    switch (kind) {
      case Frame.opened:
        this.events.onOpened();
        break;
      case Frame.output:
        this.deliver(payload);
        break;
      case Frame.ended:
        this.push(null);
        break;
      case Frame.drained:
        this.inFlightBytes -= payload.readUInt32BE(0);
        this.continue();
        break;
      case Frame.failed:
        this.events.onFailed(payload);
        this.destroy();
        break;
      default:
        break;
    }
  }

  lose(): void {
    this.events.onFailed(Buffer.alloc(0));
    this.destroy(new MachineError('gone', 'the sandbox is not running any more'));
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  override _read(): void {
    this.credit.release(this.heldBytes);
    this.heldBytes = 0;
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.blocked = { chunk, callback };
    this.continue();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.send(Frame.finish, Buffer.alloc(0));
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.events.onClosed();
    const blocked = this.blocked;
    this.blocked = undefined;
    blocked?.callback(error ?? new Error('the connection was closed'));
    callback(error);
  }

  private deliver(payload: Buffer): void {
    if (this.push(payload)) {
      this.credit.release(payload.length);
    } else {
      this.heldBytes += payload.length;
    }
  }

  private continue(): void {
    while (this.blocked && this.inFlightBytes < windowBytes) {
      const { chunk, callback } = this.blocked;
      const part = chunk.subarray(0, windowBytes - this.inFlightBytes);
      this.inFlightBytes += part.length;
      this.send(Frame.data, part);
      const rest = chunk.subarray(part.length);
      this.blocked = rest.length > 0 ? { chunk: rest, callback } : undefined;
      if (!this.blocked) {
        callback();
      }
    }
  }
}
