import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AgentConnection } from './agent-connection.js';
import { AgentProcess } from './agent-process.js';
import { type ChannelStream, Frame, type SendFrame } from './channel-frames.js';
import { MessageReader, packFields, unpackFields } from './frames.js';
import { MachineError, type MachineErrorCode, type RunRequest } from './machine.js';

type QuestionKind = (typeof Frame)['freeze' | 'thaw' | 'usage' | 'hold' | 'release'];

const headerBytes = 9;
const limitBytes = 1 << 20;
const errorCodes = new Set<string>(['user', 'cwd', 'exec', 'resources', 'refused', 'terminal']);

/**
 * The host's end of a sandbox's only connection. What arrives was written by the sandbox and is not trusted: frames for
 * unknown streams are dropped and a malformed one ends the sandbox.
 */
export class AgentChannel {
  private readonly socket: Socket;
  private readonly streams = new Map<number, ChannelStream>();
  private nextStream = 1;
  /** Counts what was said in either direction. */
  activity = 0;
  private open = true;
  private readonly onEgress: (connection: Duplex) => void;

  constructor(socket: Socket, onEgress: (connection: Duplex) => void, onLost: () => void) {
    this.socket = socket;
    this.onEgress = onEgress;
    const reader = new MessageReader(headerBytes, limitBytes);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const { header, body } of reader.read(chunk)) {
          this.receive(header.readUInt8(4), header.readUInt32BE(5), body);
        }
      } catch {
        socket.destroy();
      }
    });
    socket.once('close', () => {
      this.open = false;
      for (const stream of this.streams.values()) {
        stream.lose();
      }
      this.streams.clear();
      onLost();
    });
  }

  run(request: RunRequest, kind: 'exec' | 'builtin'): Promise<AgentProcess> {
    return this.start((id, resolve, reject) => {
      const process = new AgentProcess(request, this.sender(id), {
        onStarted: () => resolve(process),
        onFailed: (payload) => reject(failure(payload)),
        onClosed: () => this.streams.delete(id),
      });
      this.streams.set(id, process);
      const { terminal } = request;
      const environment = Object.entries(request.envs).map(([name, value]) => `${name}=${value}`);
      const size = terminal ? `${terminal.columns}x${terminal.rows}` : '';
      const input = request.withInput ? '1' : '';
      const count = String(request.arguments.length);
      const fields = [kind, request.user, request.cwd, size, input, count, ...request.arguments, ...environment];
      this.sender(id)(Frame.spawn, packFields(fields));
    });
  }

  connect(port: number): Promise<Duplex> {
    return this.start((id, resolve, reject) => {
      const connection = this.openConnection(id, {
        onOpened: () => resolve(connection),
        onFailed: (payload) => reject(failure(payload)),
      });
      const payload = Buffer.alloc(2);
      payload.writeUInt16BE(port);
      this.sender(id)(Frame.connect, payload);
    });
  }

  /** Asks the agent itself; the answer's meaning depends on the question. */
  ask(kind: QuestionKind): Promise<Buffer> {
    return this.start((id, resolve, reject) => {
      this.streams.set(id, {
        receive: (_kind, payload) => {
          this.streams.delete(id);
          resolve(payload);
        },
        lose: () => reject(gone()),
      });
      this.sender(id)(kind, Buffer.alloc(0));
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private start<Result>(
    begin: (id: number, resolve: (result: Result) => void, reject: (error: Error) => void) => void,
  ): Promise<Result> {
    if (!this.open) {
      return Promise.reject(gone());
    }
    const id = this.nextStream++;
    return new Promise((resolve, reject) => begin(id, resolve, reject));
  }

  private openConnection(
    id: number,
    events: { onOpened: () => void; onFailed: (payload: Buffer) => void },
  ): AgentConnection {
    const connection = new AgentConnection(this.sender(id), {
      ...events,
      onClosed: () => {
        this.streams.delete(id);
        this.sender(id)(Frame.close, Buffer.alloc(0));
      },
    });
    this.streams.set(id, connection);
    return connection;
  }

  private sender(id: number): SendFrame {
    return (kind, payload) => {
      if (!this.open) {
        return;
      }
      this.activity += 1;
      const header = Buffer.allocUnsafe(headerBytes);
      header.writeUInt32BE(payload.length);
      header.writeUInt8(kind, 4);
      header.writeUInt32BE(id, 5);
      this.socket.write(payload.length === 0 ? header : Buffer.concat([header, payload]));
    };
  }

  private receive(kind: number, id: number, payload: Buffer): void {
    this.activity += 1;
    if (kind === Frame.accepted) {
      if (id >= 0x80000000 && !this.streams.has(id)) {
        this.onEgress(this.openConnection(id, { onOpened: () => {}, onFailed: () => {} }));
      }
      return;
    }
    this.streams.get(id)?.receive(kind, payload);
  }
}

function gone(): MachineError {
  return new MachineError('gone', 'the sandbox is not running any more');
}

function failure(payload: Buffer): MachineError {
  const [code = '', message = ''] = unpackFields(payload).map((field) => field.toString());
  return new MachineError(errorCodes.has(code) ? (code as MachineErrorCode) : 'resources', message.trim());
}
