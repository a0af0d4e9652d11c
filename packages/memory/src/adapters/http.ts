import ky, { HTTPError } from 'ky';
import { isMemoryError, MemoryError } from '../errors.js';
import { badResponse, retryAfterMs, statusError } from '../mem0/failures.js';

export interface HttpOptions {
  /** Name of the source, for messages. */
  source: string;
  host: string;
  headers: Record<string, string>;
  /** Longest answer that is read, in bytes. */
  maxResponseBytes: number;
}

export interface HttpCall {
  method: 'get' | 'post' | 'put' | 'delete';
  /** Relative to the host, without a leading slash. */
  path: string;
  query?: Record<string, string | number>;
  json?: unknown;
  signal?: AbortSignal | undefined;
  /** True for what may be asked twice. */
  read: boolean;
}

/** JSON over HTTP with typed failures. Bounded in time by the caller's signal, in size by `maxResponseBytes`. */
export class Http {
  readonly #options: HttpOptions;
  readonly #host: string;

  /** @throws MemoryError with code `invalid_option` */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.#host = hostOf(options.host);
  }

  /** Undefined for a 404. @throws MemoryError */
  async call(request: HttpCall): Promise<unknown> {
    const { source, headers } = this.#options;
    const { method, path, query, json, signal, read } = request;
    try {
      const response = await ky(path, {
        method,
        prefixUrl: this.#host,
        headers: { accept: 'application/json', ...headers },
        // A key must not follow a redirect to another host.
        redirect: 'manual',
        timeout: false,
        retry: read
          ? {
              limit: 1,
              methods: ['get', 'post'],
              statusCodes: [500, 502, 503, 504],
              afterStatusCodes: [],
              jitter: true,
              backoffLimit: 250,
            }
          : 0,
        ...(query === undefined ? {} : { searchParams: query }),
        ...(json === undefined ? {} : { json }),
        ...(signal === undefined ? {} : { signal }),
      });
      return await this.#body(response);
    } catch (failure) {
      if (failure instanceof HTTPError) return this.#refused(failure.response);
      if (isMemoryError(failure) || signal?.aborted) throw failure;
      // The cause of a failed fetch names hosts and ports, never headers.
      const cause = failure instanceof Error ? (failure.cause ?? failure) : failure;
      throw new MemoryError('unreachable', `${source} cannot be reached. Check its address and the network.`, {
        cause,
      });
    }
  }

  async #refused(response: Response): Promise<undefined> {
    const { source } = this.#options;
    // Not awaited: cancelling one branch of a body that was cloned waits for the other branch.
    response.body?.cancel().catch(() => undefined);
    if (response.status === 404) return undefined;
    if (response.status >= 300 && response.status < 400) throw badResponse(source, 'a redirect');
    throw statusError(source, response.status, retryAfterMs(response.headers.get('retry-after'), Date.now()));
  }

  async #body(response: Response): Promise<unknown> {
    const { source, maxResponseBytes } = this.#options;
    if (response.status === 204) return {};
    const chunks: Uint8Array[] = [];
    const reader = response.body?.getReader();
    for (let bytes = 0; reader !== undefined; ) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > maxResponseBytes) {
        reader.cancel().catch(() => undefined);
        throw badResponse(source, `more than ${maxResponseBytes} bytes`);
      }
      chunks.push(value);
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    } catch {
      // The parser's message quotes the answer, so it is no cause.
      throw badResponse(source, 'something that is not JSON');
    }
  }
}

function hostOf(given: string): string {
  let url: URL;
  try {
    url = new URL(given);
  } catch (cause) {
    throw new MemoryError('invalid_option', 'host must be a URL such as https://api.mem0.ai.', { cause });
  }
  if (!['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '') {
    throw new MemoryError('invalid_option', 'host must be a plain http or https URL, without a password or a query.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
