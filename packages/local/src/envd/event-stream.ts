import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  compressionNegotiate,
  createAsyncIterable,
  encodeEnvelope,
  envelopeDecompress,
  type Serialization,
  transformSplitEnvelope,
} from '@connectrpc/connect/protocol';
import {
  contentTypeStreamJson,
  contentTypeStreamProto,
  createEndStreamSerialization,
  endStreamFlag,
  headerStreamAcceptEncoding,
  headerStreamEncoding,
  headerTimeout,
  parseContentType,
  parseTimeout,
} from '@connectrpc/connect/protocol-connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { ProcessEventSchema } from './gen/process.gen.js';
import { endOf } from './process-calls.js';
import type { ManagedProcess, ProcessEvent } from './process-table.js';
import { readBody } from './read-body.js';
import { keepaliveSeconds, toConnectError, userOf } from './rpc-context.js';

type WireEvent = MessageInitShape<typeof ProcessEventSchema>;
type Write = (event: WireEvent) => Uint8Array;

const maximumTimeoutMs = 2_147_483_647;
const signalKill = 9;
const envelopeHeadBytes = 5;
const endStream = createEndStreamSerialization(undefined);
const compressions = [compressionGzip, compressionBrotli];

/**
 * The answer to one call that follows a command: every event leaves as it happens, and what happens at once in one piece.
 * A caller that leaves does not end the command.
 */
export class EventStream {
  readonly isBinary: boolean;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private serialize: Write | undefined;
  private managed: ManagedProcess | undefined;
  private stop: () => void = () => {};
  private keepalive: NodeJS.Timeout | undefined;
  /** What happened before the caller could be told that the command runs. */
  private early: ProcessEvent[] | undefined = [];
  /** Output on its way to a caller that reads slowly. */
  private unread: (() => void)[] = [];
  private isOver = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.isBinary = parseContentType(request.headers['content-type'] ?? null)?.binary === true;
  }

  begin(serialize: Write): void {
    this.serialize = serialize;
    const { response } = this;
    response.writeHead(200, { 'Content-Type': this.isBinary ? contentTypeStreamProto : contentTypeStreamJson });
    response.on('drain', () => this.releaseUnread());
    response.once('close', () => this.leave());
  }

  /** The caller reads the head of the answer while the command starts. */
  sendHead(): void {
    this.response.flushHeaders();
  }

  /** The call's only message. */
  async read<Message>(serialization: Serialization<Message>, limitBytes: number): Promise<Message> {
    const { headers } = this.request;
    const compression = compressionNegotiate(
      compressions,
      single(headers[headerStreamEncoding.toLowerCase()]),
      null,
      headerStreamAcceptEncoding,
    );
    if (compression.error) {
      throw compression.error;
    }
    const body = await readBody(this.request, limitBytes + envelopeHeadBytes);
    let found: Uint8Array | undefined;
    for await (const envelope of transformSplitEnvelope(limitBytes)(createAsyncIterable([body]))) {
      if (found || (envelope.flags & endStreamFlag) !== 0) {
        throw new ConnectError('the call takes one message', Code.InvalidArgument);
      }
      found = (await envelopeDecompress(envelope, compression.request, limitBytes)).data;
    }
    if (!found) {
      throw new ConnectError('the request has no message', Code.InvalidArgument);
    }
    return serialization.parse(found);
  }

  userIn(sandbox: Sandbox): string {
    return userOf(this.request.headers.authorization, sandbox);
  }

  readonly listener = (event: ProcessEvent): void => {
    if (this.early) {
      this.early.push(event);
    } else {
      this.tell(event);
    }
  };

  follow({ managed, stop }: { managed: ManagedProcess; stop: () => void }): void {
    this.managed = managed;
    this.stop = stop;
    this.write({ event: { case: 'start', value: { pid: managed.pid } } });
    const early = this.early ?? [];
    this.early = undefined;
    for (const event of early) {
      this.tell(event);
    }
    if (this.isOver) {
      stop();
      return;
    }
    const everyMs = keepaliveSeconds(single(this.request.headers['keepalive-ping-interval'])) * 1000;
    this.keepalive = setInterval(() => this.write({ event: { case: 'keepalive', value: {} } }), everyMs);
    this.keepalive.unref();
  }

  /** The server's own deadline: the command is killed even when its caller is long gone. */
  killAtDeadline(): void {
    const { timeoutMs, error } = parseTimeout(
      single(this.request.headers[headerTimeout.toLowerCase()]),
      maximumTimeoutMs,
    );
    const { managed } = this;
    if (timeoutMs === undefined || error || !managed || managed.status) {
      return;
    }
    const timer = setTimeout(() => {
      managed.process.signal(signalKill);
      this.fail(new ConnectError('the operation timed out', Code.DeadlineExceeded));
    }, timeoutMs);
    timer.unref();
    void managed.process.exit.then(() => clearTimeout(timer));
  }

  fail(error: unknown): void {
    this.end(ConnectError.from(toConnectError(error), Code.Internal));
  }

  private tell(event: ProcessEvent): void {
    if (this.isOver) {
      if (event.kind === 'output') {
        event.release();
      }
    } else if (event.kind === 'output') {
      if (this.write({ event: { case: 'data', value: { output: { case: event.output, value: event.chunk } } } })) {
        event.release();
      } else {
        this.unread.push(event.release);
      }
    } else if (event.status.kind === 'lost') {
      this.fail(new ConnectError('the sandbox ended', Code.Unavailable));
    } else {
      this.end(undefined, { event: { case: 'end', value: endOf(event.status) } });
    }
  }

  /** False while the caller has not read what was written before. */
  private write(event: WireEvent): boolean {
    return this.isOver || this.response.write(this.envelope(event));
  }

  private envelope(event: WireEvent): Uint8Array {
    return this.serialize ? encodeEnvelope(0, this.serialize(event)) : new Uint8Array(0);
  }

  private end(error: ConnectError | undefined, last?: WireEvent): void {
    if (this.isOver) {
      return;
    }
    const trailer = endStream.serialize({ metadata: new Headers(), ...(error ? { error } : {}) });
    const parts = [...(last ? [this.envelope(last)] : []), encodeEnvelope(endStreamFlag, trailer)];
    this.leave();
    this.response.end(Buffer.concat(parts));
  }

  private leave(): void {
    this.isOver = true;
    clearInterval(this.keepalive);
    this.stop();
    this.releaseUnread();
  }

  private releaseUnread(): void {
    const unread = this.unread;
    this.unread = [];
    for (const release of unread) {
      release();
    }
  }
}

function single(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
