import { isWarmingError } from '@pilotlight/warming/client';

import type { WireClaim, WireClaimProgress, WireEvent } from '@pilotlight/warming/wire';
import { createParser } from 'eventsource-parser';
import { isWireEvent } from './check.js';
import type { RemoteClient } from './client.js';
import type { SocketFeed } from './socket-feed.js';

/** Ways to follow a claim, the best first. */
export type FollowWay = 'websocket' | 'server-sent-events' | 'polling';

type Progress = (event: WireClaimProgress) => void;

interface Followed {
  claimId: string;
  signal: AbortSignal;
  progress: Progress;
  /** Id of the last event that came, for coming back. */
  lastEventId: string | undefined;
}

const ways: readonly FollowWay[] = ['websocket', 'server-sent-events', 'polling'];
const failuresPerWay = 2;
const pollMs = 500;
const longestWaitMs = 5_000;

/**
 * Follows a claim until it has ended, over whatever works: lost connections are taken up again where they broke off, and
 * a way that keeps failing gives room to the next.
 *
 * @throws the error of the service when it does not know the claim (any more), or the signal's reason
 */
export async function followRemoteClaim(
  parts: { client: RemoteClient; feed: SocketFeed; allowed?: readonly FollowWay[] },
  request: { claimId: string; signal: AbortSignal; progress: Progress },
): Promise<void> {
  const allowed = parts.allowed ?? ways;
  const followed: Followed = { ...request, lastEventId: undefined };
  let failures = 0;
  for (;;) {
    request.signal.throwIfAborted();
    const way = allowed[Math.min(allowed.length - 1, Math.floor(failures / failuresPerWay))] ?? 'polling';
    const before = followed.lastEventId;
    try {
      if (await followOnce(way, parts, followed)) return;
      failures = followed.lastEventId === before ? failures + 1 : 0;
    } catch (error) {
      request.signal.throwIfAborted();
      if (isFinal(error)) throw error;
      failures = followed.lastEventId === before ? failures + 1 : 0;
    }
    await pause(Math.min(longestWaitMs, 100 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2), request.signal);
  }
}

/** True when the terminal event came. */
function followOnce(
  way: FollowWay,
  { client, feed }: { client: RemoteClient; feed: SocketFeed },
  followed: Followed,
): Promise<boolean> {
  switch (way) {
    case 'websocket':
      return overWebSocket(feed, followed);
    case 'server-sent-events':
      return overServerSentEvents(client, followed);
    case 'polling':
      return byPolling(client, followed);
  }
}

function overWebSocket(feed: SocketFeed, followed: Followed): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      followed.signal.removeEventListener('abort', abort);
      leave();
      finish();
    };
    const abort = (): void => settle(() => reject(followed.signal.reason));
    const leave = feed.follow({
      claimId: followed.claimId,
      lastEventId: () => followed.lastEventId,
      event: (event) => {
        if (took(followed, event)) settle(() => resolve(true));
      },
      lost: (error) => settle(() => (isFinal(error) ? reject(error) : resolve(false))),
    });
    followed.signal.addEventListener('abort', abort, { once: true });
  });
}

async function overServerSentEvents(client: RemoteClient, followed: Followed): Promise<boolean> {
  const response = await client.openEvents(followed.claimId, followed.lastEventId, followed.signal);
  let ended = false;
  const parser = createParser({
    onEvent: ({ data }) => {
      const event: unknown = JSON.parse(data);
      if (isWireEvent(event) && took(followed, event)) ended = true;
    },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader?.read(); part && !part.done && !ended; part = await reader?.read())
    parser.feed(part.value);
  await reader?.cancel();
  return ended;
}

async function byPolling(client: RemoteClient, followed: Followed): Promise<boolean> {
  for (;;) {
    const claim = await client.read(followed.claimId, followed.signal);
    const event = progressOf(claim);
    followed.progress(event);
    if (event.outcome !== undefined) return true;
    await pause(pollMs, followed.signal);
  }
}

/** True for the terminal event. */
function took(followed: Followed, event: WireEvent): boolean {
  followed.lastEventId = event.id;
  if (event.type !== 'claim-progress') return false;
  followed.progress(event);
  return event.outcome !== undefined;
}

function progressOf(claim: WireClaim): WireClaimProgress {
  const common = {
    type: 'claim-progress',
    id: '0-0',
    atMs: claim.createdAtMs,
    claimId: claim.claimId,
    runtime: claim.runtime,
  } as const;
  const eta = { p50Ms: 0, p90Ms: 0, samples: 0 };
  switch (claim.state) {
    case 'WARMING': {
      const { progress, phase, step, elapsedMs } = claim;
      return { ...common, progress, phase, eta: claim.eta, elapsedMs, ...(step === undefined ? {} : { step }) };
    }
    case 'HOT':
      return { ...common, progress: 1, phase: 'ready', eta, elapsedMs: claim.latencyMs, outcome: 'hot' };
    case 'FAILED':
      return { ...common, progress: 0, phase: 'warming', eta, elapsedMs: 0, outcome: 'failed' };
    case 'CANCELLED':
    case 'RETIRED':
      return { ...common, progress: 0, phase: 'warming', eta, elapsedMs: 0, outcome: 'cancelled' };
  }
}

/** What coming back does not mend. */
function isFinal(error: unknown): boolean {
  return isWarmingError(error) && error.code !== 'provider_unreachable' && error.code !== 'closed';
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, durationMs);
    signal.addEventListener('abort', abort, { once: true });
  });
}
