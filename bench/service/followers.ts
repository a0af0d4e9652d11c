import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';

export interface FollowResult {
  followers: number;
  /** Followers that got the terminal event. */
  ended: number;
  /** From the service's stamp on an event to its arrival, in milliseconds. Both clocks are this machine's. */
  deliveryMs: number[];
}

/** Many followers of one claim each, over WebSocket and server-sent events alike. */
export async function followMany(
  url: string,
  token: string,
  count: number,
  request: (method: string, path: string, body?: string) => Promise<string>,
): Promise<FollowResult> {
  const deliveryMs: number[] = [];
  let ended = 0;
  const origin = performance.timeOrigin;
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/events`, ['pilotlight.v1', `bearer.${token}`], {
        perMessageDeflate: false,
      });
      await new Promise((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', reject);
      });
      socket.on('message', (data) => {
        const event = JSON.parse(data.toString()) as { type: string; atMs?: number; outcome?: string };
        if (event.type !== 'claim-progress' || event.atMs === undefined) return;
        deliveryMs.push(origin + performance.now() - event.atMs);
        if (event.outcome !== undefined) ended += 1;
      });
      socket.send(JSON.stringify({ type: 'follow' }));
      return socket;
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  await request('POST', '/v1/claims', JSON.stringify({ runtime: 'watched' }));
  const untilMs = performance.now() + 20_000;
  while (ended < count && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const socket of sockets) socket.terminate();
  return { followers: count, ended, deliveryMs };
}
