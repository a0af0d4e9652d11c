import type { IncomingMessage, ServerResponse } from 'node:http';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { Machine } from '../isolation/machine.js';
import { ApiError } from '../sandbox/api-error.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { DataPlaneService } from '../server/data-plane.js';
import { sendJson } from '../server/respond.js';
import { download, upload } from './files-route.js';
import { filesystemService } from './filesystem-rpc.js';
import { Filesystem } from './gen/filesystem.gen.js';
import { Process } from './gen/process.gen.js';
import { processService } from './process-rpc.js';
import { ProcessStreams } from './process-streams.js';
import { sandboxKey, userOf } from './rpc-context.js';
import { type SignatureVerdict, tokensEqual, verify } from './signature.js';

/** The version this host speaks; SDKs switch features on and off by it. */
export const envdVersion = '0.6.13';

/** A unary message holds a command line or a path, never a file. */
const messageLimitBytes = 32 * 1024 * 1024;
const signatureAnswers: Readonly<Record<Exclude<SignatureVerdict, 'valid'>, string>> = {
  missing: 'missing signature query parameter',
  invalid: 'invalid signature',
  expired: 'signature is already expired',
};

/** The part of E2B that runs inside a sandbox there and on its behalf here: commands, files, health. */
export class EnvdService implements DataPlaneService {
  private readonly routed = new WeakMap<IncomingMessage, Sandbox>();
  private readonly streams = new ProcessStreams(messageLimitBytes);
  private readonly rpc = connectNodeAdapter({
    routes: (router) => router.service(Process, processService).service(Filesystem, filesystemService),
    contextValues: (request) => createContextValues().set(sandboxKey, this.routed.get(request as IncomingMessage)),
    readMaxBytes: messageLimitBytes,
    connect: true,
    grpc: false,
    grpcWeb: false,
    fallback: (_request, response) =>
      sendJson(response as ServerResponse, 404, { code: 404, message: 'There is nothing at this path' }),
  });

  async handle(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    if (url.pathname === '/health') {
      response.writeHead(204).end();
      return;
    }
    if (url.pathname === '/files') {
      this.authorizeFiles(sandbox, request, url.searchParams);
      await this.files(sandbox, request, response, url.searchParams);
      return;
    }
    if (!tokensEqual(String(request.headers['x-access-token'] ?? ''), sandbox.envdAccessToken)) {
      throw new ApiError(401, 'The access token is missing or is not the one of this sandbox.');
    }
    if (url.pathname === '/envs') {
      sendJson(response, 200, sandbox.settings.envs);
      return;
    }
    const answer = this.streams.answerTo(request, url.pathname);
    if (answer) {
      await this.streams.handle(answer, sandbox, request, response);
      return;
    }
    this.routed.set(request, sandbox);
    await this.rpc(request, response);
  }

  /** For a link that was found to be signed for this sandbox. */
  async files(
    sandbox: Sandbox,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    const user = query.get('username') || userOf(request.headers.authorization, sandbox);
    const files = { path: query.get('path') ?? undefined, user };
    const machine = runningMachine(sandbox);
    if (request.method === 'GET') {
      await download(machine, files, request, response);
    } else if (request.method === 'POST') {
      await upload(machine, files, request, response);
    } else {
      throw new ApiError(405, 'Files are read with GET and written with POST.');
    }
  }

  private authorizeFiles(sandbox: Sandbox, request: IncomingMessage, query: URLSearchParams): void {
    const given = request.headers['x-access-token'];
    if (given !== undefined) {
      if (!tokensEqual(String(given), sandbox.envdAccessToken)) {
        throw new ApiError(401, 'The access token is not the one of this sandbox.');
      }
      return;
    }
    const verdict = verify(signedRequest(request.method, query), sandbox.envdAccessToken, Date.now());
    if (verdict !== 'valid') {
      throw new ApiError(401, signatureAnswers[verdict]);
    }
  }
}

/** The sandbox a signed link was made for, found by trying every token: one hash per live sandbox. */
export function findSigned(
  sandboxes: readonly Sandbox[],
  method: string | undefined,
  query: URLSearchParams,
): { sandbox: Sandbox } | { verdict: Exclude<SignatureVerdict, 'valid'> } {
  const request = signedRequest(method, query);
  let verdict: Exclude<SignatureVerdict, 'valid'> = request.signature === undefined ? 'missing' : 'invalid';
  for (const sandbox of sandboxes) {
    const judged = verify(request, sandbox.envdAccessToken, Date.now());
    if (judged === 'valid') {
      return { sandbox };
    }
    if (judged === 'expired') {
      verdict = judged;
    }
  }
  return { verdict };
}

export function signatureError(verdict: Exclude<SignatureVerdict, 'valid'>): ApiError {
  return new ApiError(401, signatureAnswers[verdict]);
}

function signedRequest(method: string | undefined, query: URLSearchParams) {
  return {
    path: query.get('path') ?? '',
    operation: method === 'POST' ? ('write' as const) : ('read' as const),
    username: query.get('username') ?? '',
    signature: query.get('signature') ?? undefined,
    expiration: query.get('signature_expiration') ?? undefined,
  };
}

function runningMachine(sandbox: Sandbox): Machine {
  if (sandbox.phase.kind !== 'running') {
    throw new ApiError(502, 'The sandbox is not running.');
  }
  return sandbox.phase.machine;
}
