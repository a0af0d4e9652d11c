import type { IncomingMessage, ServerResponse } from 'node:http';
import { create } from '@bufbuild/protobuf';
import { createMethodSerializationLookup } from '@connectrpc/connect/protocol';
import { parseContentType } from '@connectrpc/connect/protocol-connect';
import type { Sandbox } from '../sandbox/sandbox.js';
import { EventStream } from './event-stream.js';
import { ConnectResponseSchema, Process, StartResponseSchema } from './gen/process.gen.js';
import { selectProcess, startProcess } from './process-calls.js';

type Answer = (sandbox: Sandbox, stream: EventStream) => Promise<void>;

/** The two calls that follow a command, `Start` and `Connect`, over the RPC library's parts for messages. */
export class ProcessStreams {
  private readonly answers: ReadonlyMap<string, Answer>;

  constructor(messageLimitBytes: number) {
    const limits = { readMaxBytes: messageLimitBytes, writeMaxBytes: 0xffffffff };
    const { start, connect } = Process.method;
    const starts = createMethodSerializationLookup(start, undefined, undefined, limits);
    const connects = createMethodSerializationLookup(connect, undefined, undefined, limits);
    this.answers = new Map<string, Answer>([
      [
        pathOf(start),
        async (sandbox, stream) => {
          const output = starts.getO(stream.isBinary);
          stream.begin((event) => output.serialize(create(StartResponseSchema, { event })));
          const request = await stream.read(starts.getI(stream.isBinary), messageLimitBytes);
          const user = stream.userIn(sandbox);
          const starting = startProcess(sandbox, request, user, stream.listener);
          stream.sendHead();
          stream.follow(await starting);
          stream.killAtDeadline();
        },
      ],
      [
        pathOf(connect),
        async (sandbox, stream) => {
          const output = connects.getO(stream.isBinary);
          stream.begin((event) => output.serialize(create(ConnectResponseSchema, { event })));
          const request = await stream.read(connects.getI(stream.isBinary), messageLimitBytes);
          const managed = selectProcess(sandbox, request.process);
          stream.follow({ managed, stop: managed.listen(stream.listener) });
        },
      ],
    ]);
  }

  /** Undefined when the request is none of these calls. */
  answerTo(request: IncomingMessage, path: string): Answer | undefined {
    const type = parseContentType(request.headers['content-type'] ?? null);
    return request.method === 'POST' && type?.stream === true ? this.answers.get(path) : undefined;
  }

  async handle(answer: Answer, sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = new EventStream(request, response);
    try {
      await answer(sandbox, stream);
    } catch (error) {
      stream.fail(error);
    }
  }
}

function pathOf(method: { parent: { typeName: string }; name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}
