import type { IncomingMessage } from 'node:http';
import { wireBearerPrefix, wireScope, wireSubprotocol } from '@pilotlight/warming/wire';
import { isLoopbackAddress, isLoopbackHost, originAllowed } from '../auth/origins.js';
import type { Principal } from '../auth/tokens.js';
import { isWarmerError, WarmerError } from '../errors.js';
import type { ServiceContext } from './context.js';

const anonymous: Principal = {
  tenant: 'default',
  tokenId: 'anonymous',
  scopes: new Set(wireScope.options),
  requestsPerSecond: undefined,
};

type Doorway = Pick<ServiceContext, 'config' | 'tokens' | 'limits' | 'now'>;

/**
 * Who makes this request, HTTP or WebSocket.
 *
 * A token stands in `Authorization`, or, where a browser cannot set that, in a WebSocket subprotocol; never in a URL,
 * where logs and referrers would keep it.
 *
 * @throws {@link WarmerError} `unauthenticated`, `forbidden` for a foreign origin, `rate_limited`
 */
export async function authenticate(context: Doorway, request: IncomingMessage): Promise<Principal> {
  checkOrigin(context, request);
  const token = bearerOf(request);
  if (token === undefined && mayBeAnonymous(context, request)) return anonymous;
  const address = request.socket.remoteAddress ?? 'unknown';
  await context.limits.mayLogIn(address);
  try {
    const principal = context.tokens.authenticate(token, context.now());
    await context.limits.request(principal);
    return principal;
  } catch (error) {
    if (token !== undefined && isWarmerError(error) && error.code === 'unauthenticated') {
      await context.limits.failedLogin(address);
    }
    throw error;
  }
}

/** @throws {@link WarmerError} `forbidden` when a page of another site, or a rebound name, is asking */
export function checkOrigin({ config }: Pick<Doorway, 'config'>, request: IncomingMessage): void {
  const { origin, host } = request.headers;
  if (config.allowAnonymousLoopback && !isLoopbackHost(host)) {
    throw new WarmerError(
      'forbidden',
      'In development the service answers under the name of this machine only. Use http://localhost, or "pilotlight serve" with tokens.',
    );
  }
  if (originAllowed(origin, host, allowedOrigins(config))) return;
  throw new WarmerError('forbidden', `Pages of ${origin} may not use this service. Add it to "cors.origins".`);
}

export function allowedOrigins(config: Doorway['config']): string[] {
  const { publicUrl } = config.listen;
  return [...config.cors.origins, ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])];
}

function mayBeAnonymous({ config }: Doorway, request: IncomingMessage): boolean {
  return config.allowAnonymousLoopback && isLoopbackAddress(request.socket.remoteAddress);
}

function bearerOf(request: IncomingMessage): string | undefined {
  const header = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (header !== undefined) return header;
  if (request.headers.upgrade === undefined) return undefined;
  return subprotocolsOf(request)
    .find((protocol) => protocol.startsWith(wireBearerPrefix))
    ?.slice(wireBearerPrefix.length);
}

export function subprotocolsOf(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
}

/** The token's own subprotocol is never answered, so that it is in no response. */
export function chosenSubprotocol(offered: Iterable<string>): string | false {
  return [...offered].includes(wireSubprotocol) ? wireSubprotocol : false;
}
