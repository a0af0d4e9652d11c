import { Agent, get } from 'node:http';
import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';

export interface FollowResult {
  followers: number;
  /** Followers that got the terminal event. */
  ended: number;
  /** From the service's stamp on an event to its arrival, in milliseconds. Both clocks are this machine's. */
  deliveryMs: number[];
}

interface Arrived {
  bytes: Buffer;
  nowMs: number;
}

interface Told {
  type: string;
  atMs?: number;
  outcome?: string;
}

/** Many followers of one warming claim, half of them over WebSocket and half over server-sent events. */
export async function followMany(
  place: { url: string; token: string },
  count: number,
  claimId: string,
  finishWarming: () => Promise<unknown>,
): Promise<FollowResult> {
  const origin = performance.timeOrigin;
  let arrivals: Arrived[] = [];
  // Read when all is over: a client of a thousand followers has no time to read while they are told.
  const arrived = (bytes: Buffer): void => {
    arrivals.push({ bytes, nowMs: origin + performance.now() });
  };
  const agent = new Agent({ maxSockets: count });
  const leave = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      index % 2 === 0 ? overWebSocket(place, claimId, arrived) : overServerSentEvents(place, claimId, agent, arrived),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  // What is told to a follower when it comes is no delivery.
  arrivals = [];
  await finishWarming();
  let before = -1;
  for (const untilMs = performance.now() + 20_000; performance.now() < untilMs && before !== arrivals.length; ) {
    before = arrivals.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  for (const end of leave) end();
  const told = arrivals.flatMap(({ bytes, nowMs }) => eventsOf(bytes.toString()).map((event) => ({ event, nowMs })));
  return {
    followers: count,
    ended: told.filter(({ event }) => event.outcome !== undefined).length,
    deliveryMs: told.flatMap(({ event, nowMs }) =>
      event.type === 'claim-progress' && event.atMs !== undefined ? [nowMs - event.atMs] : [],
    ),
  };
}

/** Of one message of a WebSocket, or of whole server-sent events: the service sends none in pieces. */
function eventsOf(text: string): Told[] {
  if (text.startsWith('{')) return [JSON.parse(text) as Told];
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)) as Told);
}

async function overWebSocket(
  { url, token }: { url: string; token: string },
  claimId: string,
  arrived: (bytes: Buffer) => void,
): Promise<() => void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/events`, ['pilotlight.v1', `bearer.${token}`], {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('message', (data: Buffer) => arrived(data));
  socket.send(JSON.stringify({ type: 'follow', claimId }));
  return () => socket.terminate();
}

function overServerSentEvents(
  { url, token }: { url: string; token: string },
  claimId: string,
  agent: Agent,
  arrived: (bytes: Buffer) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const request = get(
      `${url}/v1/claims/${claimId}/events`,
      { agent, headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } },
      (response) => {
        response.on('data', arrived);
        response.on('error', () => undefined);
        resolve(() => request.destroy());
      },
    );
    request.on('error', reject);
  });
}
