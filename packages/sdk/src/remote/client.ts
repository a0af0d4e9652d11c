import { WarmingError } from '@pilotlight/warming/client';

import type {
  WireClaim,
  WireClaimRequest,
  WireIntent,
  WireIntentRequest,
  WirePool,
  WireRuntimeSpec,
} from '@pilotlight/warming/wire';
import type { KyInstance, Options } from 'ky';
import { isWireClaim, isWireIntent, isWirePoolList } from './check.js';
import { translate } from './errors.js';

/** Where a warmer service is and how to be let in. */
export interface RemoteOptions {
  /** Of the service, for example `https://warmer.example.com`. */
  url: string;
  /** Made by `pilotlight token`. Not needed against `pilotlight dev` on this machine. */
  token?: string;
  /** Time for one attempt of a request, in milliseconds. @default 30_000 */
  requestTimeoutMs?: number;
  /** Attempts after the first while the service is away or overloaded. @default 6 */
  retries?: number;
}

type Input<Schema extends { files?: unknown }> = Partial<Schema>;

/** Body of a claim as a client writes it: what has a default may be left out. */
export type ClaimBody = Pick<WireClaimRequest, 'runtime' | 'key'> & Input<WireClaimRequest>;

/** The requests of the service, typed by the schemas the service itself checks with. */
export class RemoteClient {
  readonly url: string;
  readonly token: string | undefined;
  /** Loaded when there is a service to ask: it makes Node load all of its `fetch`. */
  readonly #http: Promise<KyInstance>;

  constructor(options: RemoteOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.token = options.token;
    this.#http = import('ky').then(({ default: ky }) =>
      ky.create({
        prefixUrl: this.url,
        timeout: options.requestTimeoutMs ?? 30_000,
        headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
        retry: {
          limit: options.retries ?? 6,
          // Every request is idempotent: claims by their key, the others by their nature.
          methods: ['get', 'post', 'put', 'patch', 'delete'],
          statusCodes: [408, 503],
          afterStatusCodes: [503],
          backoffLimit: 5_000,
          jitter: true,
        },
      }),
    );
  }

  claim(body: ClaimBody, signal?: AbortSignal, traceparent?: string): Promise<WireClaim> {
    return this.#parsed(isWireClaim, 'post', 'v1/claims', {
      json: body,
      ...(signal ? { signal } : {}),
      ...(traceparent === undefined ? {} : { headers: { traceparent } }),
    });
  }

  read(claimId: string, signal?: AbortSignal): Promise<WireClaim> {
    return this.#parsed(isWireClaim, 'get', `v1/claims/${claimId}`, signal ? { signal } : {});
  }

  ack(claimId: string): Promise<WireClaim> {
    return this.#parsed(isWireClaim, 'post', `v1/claims/${claimId}/ack`, {});
  }

  renew(claimId: string, lifeMs: number): Promise<WireClaim> {
    return this.#parsed(isWireClaim, 'post', `v1/claims/${claimId}/renew`, { json: { lifeMs } });
  }

  keep(claimId: string): Promise<WireClaim> {
    return this.#parsed(isWireClaim, 'post', `v1/claims/${claimId}/keep`, {});
  }

  retire(claimId: string): Promise<WireClaim> {
    return this.#parsed(isWireClaim, 'delete', `v1/claims/${claimId}`, {});
  }

  openIntent(
    body: Partial<WireIntentRequest> & Pick<WireIntentRequest, 'runtime' | 'userId'>,
    key: string,
  ): Promise<WireIntent> {
    return this.#parsed(isWireIntent, 'post', 'v1/intents', { json: body, headers: { 'idempotency-key': key } });
  }

  async cancelIntent(intentId: string): Promise<void> {
    await this.#send('delete', `v1/intents/${intentId}`, {});
  }

  async define(name: string, spec: WireRuntimeSpec): Promise<void> {
    await this.#send('put', `v1/runtimes/${name}`, { json: spec });
  }

  async pools(): Promise<WirePool[]> {
    return (await this.#parsed(isWirePoolList, 'get', 'v1/pools', {})).pools;
  }

  /** Any other resource; the caller knows its shape. */
  async json(method: 'get' | 'patch', path: string, body?: unknown): Promise<unknown> {
    const response = await this.#send(method, path, body === undefined ? {} : { json: body });
    return response.json();
  }

  /** The events of one claim, as the service sends them. One attempt: whoever follows comes back by itself. */
  async openEvents(claimId: string, lastEventId: string | undefined, signal: AbortSignal): Promise<Response> {
    return this.#send('get', `v1/claims/${claimId}/events`, {
      signal,
      timeout: false,
      retry: 0,
      headers: { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
    });
  }

  async #parsed<Value>(
    is: (value: unknown) => value is Value,
    method: string,
    path: string,
    options: Options,
  ): Promise<Value> {
    const response = await this.#send(method, path, options);
    const answer: unknown = await response.json().catch(() => undefined);
    if (is(answer)) return answer;
    throw new WarmingError(
      'provider_failed',
      `${this.url} answered something else than a warmer service of this version would. Check the URL and the versions.`,
    );
  }

  async #send(method: string, path: string, options: Options): Promise<Response> {
    try {
      return await (await this.#http)(path, { ...options, method });
    } catch (error) {
      options.signal?.throwIfAborted();
      throw await translate(error, this.url);
    }
  }
}
