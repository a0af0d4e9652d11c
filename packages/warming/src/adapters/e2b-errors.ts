import {
  AuthenticationError,
  InvalidArgumentError,
  NotEnoughSpaceError,
  NotFoundError,
  RateLimitError,
  SandboxError,
  TimeoutError,
} from 'e2b';
import { ProviderError, type ProviderFailure } from '../provider.js';

/** Codes of the system by which a connection never came about. */
const neverConnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
]);
/** Codes by which a connection broke after the request may have arrived. */
const broken = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

export interface ErrorContext {
  /** What was being done, for the message: `create a sandbox`. */
  readonly action: string;
  readonly apiUrl: string;
  /** The deadline that is told of as a timeout: of a command, or of a request whose effect is unknown then. */
  readonly late: 'timeout' | 'lost';
}

/** What an error of the `e2b` package means for the engine. */
export function providerErrorOf(error: unknown, { action, apiUrl, late }: ErrorContext): ProviderError {
  if (error instanceof ProviderError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const make = (failure: ProviderFailure, message: string, retryAfterMs?: number) =>
    new ProviderError(failure, message, { cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  const said = `E2B could not ${action}: ${firstLine(cause.message)}.`;

  if (error instanceof AuthenticationError) {
    return make('unauthorized', `${apiUrl} refused the API key. Check E2B_API_KEY, or the option "apiKey".`);
  }
  if (error instanceof RateLimitError) {
    // With a time to wait the package has waited itself; what is left is the plan's concurrency.
    return make('capacity', `${said} The plan's limit of concurrent sandboxes, or of requests, is reached.`);
  }
  if (error instanceof NotFoundError) return make('gone', said);
  if (error instanceof InvalidArgumentError) return make('refused', said);
  if (error instanceof NotEnoughSpaceError) return make('failed', said);
  if (error instanceof TimeoutError)
    return make(
      /not running anymore|sandbox is probably|sandbox was not found/i.test(cause.message) ? 'gone' : late,
      said,
    );
  const code = codeOf(error);
  if ((code !== undefined && neverConnected.has(code)) || isBadPort(error)) {
    return make(
      'unreachable',
      `Nobody answers at ${apiUrl} (${code ?? 'a port no client connects to'}). Start a local host with "npx pilotlight-local", or check E2B_API_URL and the network.`,
    );
  }
  if (
    isAbort(error) ||
    (code !== undefined && broken.has(code)) ||
    /terminated|socket hang up|other side closed/i.test(cause.message)
  ) {
    return make(isAbort(error) ? late : 'lost', said);
  }
  const status = statusOf(error);
  if (status === 503) return make('capacity', said);
  if (status === 404 || status === 410) return make('gone', said);
  if (status !== undefined && status >= 400 && status < 500 && status !== 409 && status !== 408)
    return make('refused', said);
  return make('failed', said);
}

function codeOf(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    const code: unknown = Reflect.get(current, 'code');
    if (typeof code === 'string' && /^E[A-Z_]+$|^UND_ERR/.test(code)) return code;
    const errors: unknown = Reflect.get(current, 'errors');
    current = Array.isArray(errors) && errors.length > 0 ? errors[0] : Reflect.get(current, 'cause');
  }
  return undefined;
}

/** A port that `fetch` refuses to connect to, which it says in words only. */
function isBadPort(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message === 'bad port';
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof SandboxError) && !(error instanceof Error)) return undefined;
  const status: unknown = Reflect.get(error, 'statusCode');
  if (typeof status === 'number') return status;
  if (error.name === 'ServiceBusyError') return 503;
  const told = /^(\d{3}): /.exec(error.message);
  return told ? Number(told[1]) : undefined;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/\.+$/, '').slice(0, 300);
}
