import { isWarmingError } from '@pilotlight/warming';
import type { WireError } from '@pilotlight/warming/wire';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod';
import { isWarmerError, statusOf, toWireError, WarmerError } from '../errors.js';

/** Any failure of a request in the one error shape. */
export function errorOf(error: unknown): WireError {
  if (isWarmerError(error) || isWarmingError(error)) return toWireError(error);
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map((issue) => ({
      path: issue.instancePath.split('/').filter(Boolean).join('.') || '(body)',
      message: issue.message ?? 'is not valid',
    }));
    return {
      code: 'invalid_request',
      message: `The request is not valid: ${issues.map((issue) => `${issue.path} ${issue.message}`).join('; ')}. Correct it and send it again.`,
      issues,
    };
  }
  return isResponseSerializationError(error) ? toWireError(error) : fromFastify(error);
}

export function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const body: WireError = { ...errorOf(error), requestId: request.id };
  const status = statusOf(body.code);
  if (status >= 500) request.log.error({ err: error, code: body.code }, 'request failed');
  else request.log.debug({ code: body.code }, 'request refused');
  if (body.retryAfterMs !== undefined) void reply.header('retry-after', Math.ceil(body.retryAfterMs / 1_000));
  else if (status === 503) void reply.header('retry-after', 1);
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply.serializer((value) => JSON.stringify(value));
  return reply.status(status).type('application/json; charset=utf-8').send({ error: body });
}

/** What Node's HTTP parser or Fastify refuses before a route is reached. */
function fromFastify(error: unknown): WireError {
  const { code, statusCode } = (error ?? {}) as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return toWireError(
      new WarmerError('payload_too_large', 'The body is too large. Send less, or ask to raise "limits.bodyBytes".'),
    );
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return toWireError(new WarmerError('unsupported_media_type', 'Send JSON with "Content-Type: application/json".'));
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return toWireError(new WarmerError('invalid_request', 'The request cannot be read. Send well-formed JSON.'));
  }
  return toWireError(error);
}
