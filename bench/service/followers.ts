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

interface Arrival {
  type: string;
  atMs?: number;
}

/** Many followers of one warming claim, half of them over WebSocket and half over server-sent events. */
export async function followMany(
  place: { url: string; token: string },
  count: number,
  claimId: string,
  finishWarming: () => Promise<unknown>,
): Promise<FollowResult> {
  let ended = 0;
  const origin = performance.timeOrigin;
  let arrivals: { text: string; nowMs: number }[] = [];
  // Read when all is over: a client of a thousand followers has no time to read while they are told.
  const arrived = (text: string): void => {
    arrivals.push({ text, nowMs: origin + performance.now() });
    if (text.includes('"outcome"')) ended += 1;
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
  const untilMs = performance.now() + 20_000;
  while (ended < count && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const end of leave) end();
  const deliveryMs = arrivals.flatMap(({ text, nowMs }) => {
    const { type, atMs } = JSON.parse(text) as Arrival;
    return type === 'claim-progress' && atMs !== undefined ? [nowMs - atMs] : [];
  });
  return { followers: count, ended, deliveryMs };
}

async function overWebSocket(
  { url, token }: { url: string; token: string },
  claimId: string,
  arrived: (text: string) => void,
): Promise<() => void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/events`, ['pilotlight.v1', `bearer.${token}`], {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('message', (data) => arrived(data.toString()));
  socket.send(JSON.stringify({ type: 'follow', claimId }));
  return () => socket.terminate();
}

function overServerSentEvents(
  { url, token }: { url: string; token: string },
  claimId: string,
  agent: Agent,
  arrived: (text: string) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const request = get(
      `${url}/v1/claims/${claimId}/events`,
      { agent, headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } },
      (response) => {
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          const lines = (rest + part).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line.startsWith('data: ')) arrived(line.slice(6));
        });
        response.on('error', () => undefined);
        resolve(() => request.destroy());
      },
    );
    request.on('error', reject);
  });
}
