import type { FastifyReply, FastifyRequest } from 'fastify';
import { WarmerError } from '../errors.js';
import { followClaim } from '../events/follow.js';
import type { Sight } from '../events/hub.js';
import type { ServiceContext } from './context.js';

const heartbeatMs = 15_000;

/** Streams one claim's events until its terminal one. The caller has checked that the claim may be seen. */
export async function followAsServerSentEvents(
  context: ServiceContext,
  request: FastifyRequest,
  reply: FastifyReply,
  follow: { claimId: string; lastEventId: string | undefined; sight: Sight },
): Promise<void> {
  const { limits } = context.config;
  const release = context.followers.enter(follow.sight.tenant);
  if (!release) {
    throw new WarmerError('too_many_followers', 'Too many event streams are open. Close some and try again.');
  }
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.socket?.setNoDelay(true);
  raw.write('retry: 1000\n\n');
  const heartbeat = setInterval(() => raw.write(': still here\n\n'), heartbeatMs);
  let stop: (() => void) | undefined;
  let closed = false;
  const close = (): void => {
    closed = true;
    clearInterval(heartbeat);
    stop?.();
    release();
  };
  raw.once('close', close);
  try {
    stop = await followClaim(
      context.hub,
      follow,
      () => context.claims.find(follow.claimId),
      (burst) => {
        if (burst.isTerminal) raw.end(burst.streamed);
        else raw.write(burst.streamed);
        // Who does not read is cut off, and comes back with the last id they did read.
        if (!burst.isTerminal && raw.writableLength > limits.unreadBytes) raw.destroy();
      },
    );
    if (closed) stop();
  } catch (error) {
    request.log.error({ err: error }, 'event stream failed');
    raw.destroy();
  }
}
