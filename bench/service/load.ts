import { Agent, request as httpRequest } from 'node:http';
import { performance } from 'node:perf_hooks';

/** One request over a kept connection; resolves with its body's text. */
export function requester(
  url: string,
  token: string,
): (method: string, path: string, body?: string) => Promise<string> {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(
        {
          agent,
          hostname,
          port,
          method,
          path,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => {
            if ((response.statusCode ?? 500) < 300) resolve(text);
            else reject(new Error(`${response.statusCode}: ${text}`));
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
}

/**
 * Open loop: requests leave at their time, whatever became of the earlier ones, and each is timed from when it should
 * have left. A server that falls behind shows it.
 */
export async function openLoop(perSecond: number, seconds: number, send: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const dueMs = startedMs + (index * 1_000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.push(send().then(() => void times.push(performance.now() - Math.max(dueMs, startedMs))));
  }
  await Promise.all(running);
  return times;
}

/** One after the other. */
export async function closedLoop(count: number, send: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now();
    await send();
    times.push(performance.now() - startedMs);
  }
  return times;
}
