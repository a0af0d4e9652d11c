import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ControlRequest, Refusal } from './decide.js';
import type { FaultGate, GatePass } from './fault-gate.js';
import { answerFaults, faultsPath } from './fault-routes.js';
import { operationOf } from './operations.js';

interface SentBody {
  templateID?: unknown;
  metadata?: unknown;
  count?: unknown;
}

/** Puts the gate before every route that is registered after it, and the gate's own admin API beside them. */
export function addFaults(server: FastifyInstance, gate: FaultGate): void {
  const passes = new WeakMap<FastifyRequest, GatePass>();

  server.addHook('preHandler', async (request, reply) => {
    if (request.url.startsWith(faultsPath)) {
      return;
    }
    const entry = await gate.enter(describe(request));
    switch (entry.kind) {
      case 'carryOut':
        passes.set(request, entry.pass);
        break;
      case 'refused':
        return refuse(reply, entry.refusal);
      case 'cut':
        cut(request, reply);
        break;
      default:
        entry satisfies never;
    }
  });

  server.addHook('onSend', async (request, reply, payload) => {
    const pass = passes.get(request);
    passes.delete(request);
    const ids = reply.statusCode === 201 && typeof payload === 'string' ? startedIds(payload) : [];
    if ((await pass?.leave(ids)) === 'cut') {
      request.raw.socket.destroy();
    }
    return payload;
  });

  for (const path of [faultsPath, `${faultsPath}/:id`]) {
    server.all(path, async (request, reply) => {
      const answer = answerFaults(gate, request.method, request.url.split('?')[0] ?? '', request.body);
      return reply.code(answer.status).send(answer.body);
    });
  }
}

function describe(request: FastifyRequest): ControlRequest {
  const named = operationOf(request.method, request.url.split('?')[0] ?? '');
  const body = (typeof request.body === 'object' && request.body !== null ? request.body : {}) as SentBody;
  return {
    ...named,
    templateId: typeof body.templateID === 'string' ? body.templateID : undefined,
    metadata: typeof body.metadata === 'object' ? (body.metadata as Record<string, string>) : undefined,
    starts: named.operation === 'fork' && typeof body.count === 'number' ? body.count : undefined,
  };
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, message, errorCode, retryAfterSeconds } = refusal;
  if (retryAfterSeconds !== undefined) {
    reply.header('Retry-After', String(retryAfterSeconds));
  }
  return reply.code(status).send({ code: status, message, ...(errorCode ? { error_code: errorCode } : {}) });
}

function cut(request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  request.raw.socket.destroy();
}

/** The sandboxes an answer tells of: one, or a list of a fork's children. */
function startedIds(payload: string): string[] {
  const answer = JSON.parse(payload) as unknown;
  return (Array.isArray(answer) ? answer.map((item) => item?.sandbox) : [answer])
    .map((sandbox) => sandbox?.sandboxID)
    .filter((id): id is string => typeof id === 'string');
}
