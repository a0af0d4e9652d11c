import type { IncomingHttpHeaders } from 'node:http';

export type Route =
  | { kind: 'control' }
  | { kind: 'data'; sandboxId: string; port: number }
  /** A signed link names no sandbox: its signature does. */
  | { kind: 'signed'; query: URLSearchParams }
  | { kind: 'unusable'; reason: string };

export const envdPort = 49_983;

/** Whom a request is for: E2B's routing headers first, then `Host: <port>-<id>.<anything>`, then the path. */
export function routeOf(method: string, url: string, headers: IncomingHttpHeaders): Route {
  const sandboxId = single(headers['e2b-sandbox-id']);
  if (sandboxId !== undefined) {
    const port = Number(single(headers['e2b-sandbox-port']) ?? envdPort);
    if (!isPort(port)) {
      return { kind: 'unusable', reason: 'E2b-Sandbox-Port is not a port number' };
    }
    return { kind: 'data', sandboxId, port };
  }
  const host = /^(\d{1,5})-([a-z0-9]+)\./i.exec(headers.host ?? '');
  if (host) {
    const port = Number(host[1]);
    if (!isPort(port)) {
      return { kind: 'unusable', reason: `the host name ${headers.host} does not start with a port number` };
    }
    return { kind: 'data', sandboxId: (host[2] as string).toLowerCase(), port };
  }
  if (headers['x-api-key'] === undefined && (method === 'GET' || method === 'POST') && /^\/files(\?|$)/.test(url)) {
    return { kind: 'signed', query: new URLSearchParams(url.slice(url.indexOf('?') + 1)) };
  }
  return { kind: 'control' };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
