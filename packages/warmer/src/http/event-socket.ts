import type { Duplex } from 'node:stream';
import { type WireEvent, type WireFollowMessage, wireFollowMessage } from '@pilotlight/warming/wire';
import type { WebSocket } from 'ws';
import { maySee, type Principal } from '../auth/tokens.js';
import { claimUnknown } from '../claims/complaints.js';
import { toWireError } from '../errors.js';
import { Burst } from '../events/burst.js';
import { followClaim } from '../events/follow.js';
import { compareEventIds } from '../events/log.js';
import { ToldEvent } from '../events/told.js';
import { sightOf } from './access.js';
import type { ServiceContext } from './context.js';

const claimsPerSocket = 10_000;

/** Serves `/v1/events`: the client says what it follows, one claim or everything it may see. */
export function followOverSocket(
  context: ServiceContext,
  principal: Principal,
  socket: WebSocket,
  stream: Duplex,
): void {
  const { unreadBytes } = context.config.limits;
  const stops = new Map<string, () => void>();
  const sight = sightOf(principal);

  const tell = (answer: unknown): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(answer));
  };
  const forward = ({ events }: Burst): void => {
    if (socket.readyState !== socket.OPEN) return;
    // One system call for all of them.
    stream.cork();
    for (const { message } of events) socket.send(message, { binary: false });
    stream.uncork();
    // Who does not read is cut off, and comes back with the last id they did read.
    if (socket.bufferedAmount > unreadBytes) socket.terminate();
  };

  const followEverything = (lastEventId: string | undefined): void => {
    stops.get('')?.();
    tell({ type: 'following' });
    const headId = context.hub.log.head();
    const missed = lastEventId === undefined ? [] : context.hub.missed(sight, lastEventId);
    const first = missed ?? [resetEvent(headId, context.now())];
    if (first.length > 0) forward(new Burst(first.map((event) => new ToldEvent(event))));
    // Nothing was awaited since `missed` was read, so no event can fall between it and the live ones.
    stops.set('', context.hub.followEverything(sight, forward));
  };

  const followOne = async (claimId: string, lastEventId: string | undefined): Promise<void> => {
    const record = await context.claims.find(claimId);
    if (!record || !maySee(principal, record.tenant)) {
      tell({ type: 'refused', claimId, error: toWireError(claimUnknown(claimId)) });
      return;
    }
    stops.get(claimId)?.();
    tell({ type: 'following', claimId });
    const stop = await followClaim(
      context.hub,
      { claimId, lastEventId, sight },
      () => context.claims.find(claimId),
      forward,
    );
    if (socket.readyState === socket.OPEN) stops.set(claimId, stop);
    else stop();
  };

  const obey = (message: WireFollowMessage): void => {
    const claimId = message.claimId ?? '';
    if (message.type === 'unfollow') {
      stops.get(claimId)?.();
      stops.delete(claimId);
      return;
    }
    if (message.claimId === undefined) followEverything(message.lastEventId);
    else if (stops.size >= claimsPerSocket) socket.close(1008, 'too many claims on one connection');
    else followOne(message.claimId, message.lastEventId).catch(() => socket.close(1011, 'try again'));
  };

  socket.on('message', (data, isBinary) => {
    const message = isBinary ? undefined : parsed(data.toString());
    if (message) obey(message);
    else socket.close(1007, 'send JSON as in /openapi.json');
  });
  socket.once('close', () => {
    for (const stop of stops.values()) stop();
    stops.clear();
  });
}

function parsed(text: string): WireFollowMessage | undefined {
  try {
    return wireFollowMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function resetEvent(id: string, atMs: number): WireEvent {
  return { type: 'stream-reset', id: compareEventIds(id, '0-0') > 0 ? id : '0-0', atMs };
}
