import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';

/** The proxy the host itself has to go through for this target, by the usual variables; undefined when there is none. */
export function upstreamFor(
  host: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): URL | undefined {
  const value = environment.HTTPS_PROXY ?? environment.https_proxy ?? environment.HTTP_PROXY ?? environment.http_proxy;
  const exceptions = (environment.NO_PROXY ?? environment.no_proxy ?? '').split(',').map((item) => item.trim());
  const excepted = exceptions.some(
    (item) =>
      item === '*' || (item !== '' && (host === item || host.endsWith(item.startsWith('.') ? item : `.${item}`))),
  );
  const url = value && !excepted ? URL.parse(value) : null;
  return url?.protocol === 'http:' ? url : undefined;
}

export function connectUpstream(proxy: URL, host: string, port: number): Promise<Socket> {
  const target = `${host}:${port}`;
  const credentials = proxy.username
    ? {
        'Proxy-Authorization': `Basic ${Buffer.from(
          `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`,
        ).toString('base64')}`,
      }
    : {};
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: proxy.hostname,
      port: proxy.port || 80,
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...credentials },
    });
    request.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) {
        socket.on('error', () => {});
        resolve(socket);
      } else {
        socket.destroy();
        reject(new Error(`the upstream proxy answered ${answer.statusCode}`));
      }
    });
    request.once('error', reject);
    request.end();
  });
}
