import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { WireScope } from '@pilotlight/warming/wire';
import { pino } from 'pino';
import { MemoryClaimBook } from '../../../packages/warmer/src/adapters/memory-book.js';
import { MemoryClaimHistory } from '../../../packages/warmer/src/adapters/memory-history.js';
import { MemoryIdempotencyStore } from '../../../packages/warmer/src/adapters/memory-idempotency.js';
import { MemoryEventLog } from '../../../packages/warmer/src/adapters/memory-log.js';
import { MemoryRuntimeBook } from '../../../packages/warmer/src/adapters/memory-runtimes.js';
import { issueToken, type TokenRecord } from '../../../packages/warmer/src/auth/tokens.js';
import type { ClaimBook } from '../../../packages/warmer/src/claims/book.js';
import type { ClaimManager } from '../../../packages/warmer/src/claims/manager.js';
import { configSchema, type WarmerConfigInput } from '../../../packages/warmer/src/config/schema.js';
import type { EventLog } from '../../../packages/warmer/src/events/log.js';
import type { ClaimHistory } from '../../../packages/warmer/src/history/history.js';
import { countInProcess } from '../../../packages/warmer/src/http/limits.js';
import type { RuntimeBook } from '../../../packages/warmer/src/runtimes/book.js';
import { createService, type Service } from '../../../packages/warmer/src/service.js';
import type { TerminalProvider } from '../../../packages/warmer/src/terminal/port.js';
import { StandInManager } from './stand-in-manager.js';

export const allScopes: WireScope[] = [
  'claims',
  'intents',
  'events',
  'terminal',
  'runtimes:read',
  'runtimes:write',
  'pools:read',
  'pools:write',
  'snapshots:read',
  'snapshots:write',
  'usage',
];

export interface TestService {
  service: Service;
  manager: StandInManager;
  url: string;
  /** What the log wrote, one JSON line each. */
  logged: string[];
  /** A token that the service knows. */
  token: (name: string) => string;
  request: (
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ) => Promise<Response>;
  close: () => Promise<void>;
}

const silentTerminals: TerminalProvider = {
  open: () => Promise.reject(new Error('no terminals here')),
  reopen: () => Promise.reject(new Error('no terminals here')),
};

/** The service on a free port, over an engine whose steps the test takes by hand. */
export async function startTestService(
  options: {
    config?: WarmerConfigInput;
    tenants?: Record<string, Partial<TokenRecord> & { tenant: string }>;
    manager?: ClaimManager;
    book?: ClaimBook;
    runtimes?: RuntimeBook;
    history?: ClaimHistory;
    log?: EventLog;
    terminals?: TerminalProvider;
    now?: () => number;
  } = {},
): Promise<TestService> {
  const tenants = options.tenants ?? { acme: { tenant: 'acme' }, globex: { tenant: 'globex' } };
  const issued = Object.entries(tenants).map(([name, grant]) => ({
    name,
    ...issueToken({ scopes: allScopes, ...grant }, randomBytes),
  }));
  const manager = new StandInManager();
  const logged: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) });
  const now = options.now ?? Date.now;
  const config = configSchema.parse({
    runtimes: [{ name: 'node', ready: { command: 'true' } }],
    tokens: issued.map(({ record }) => record),
    ...options.config,
  });
  const service = await createService({
    config,
    mode: 'serve',
    version: '0.0.0',
    logger,
    now,
    manager: options.manager ?? manager,
    poolControl: { change: async () => {}, numbers: () => ({ cost: null, forecast: null }) },
    snapshots: undefined,
    book: options.book ?? new MemoryClaimBook(),
    runtimes: options.runtimes ?? new MemoryRuntimeBook(),
    counters: countInProcess,
    log: options.log ?? new MemoryEventLog({ now }),
    history: options.history ?? new MemoryClaimHistory(),
    idempotency: new MemoryIdempotencyStore({ now }),
    terminals: options.terminals ?? silentTerminals,
    sandboxUrl: 'http://127.0.0.1:1',
    dashboardRoot: undefined,
  });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`;
  return {
    service,
    manager,
    url,
    logged,
    token: (name) => issued.find((candidate) => candidate.name === name)!.token,
    request: (method, path, { token, body, headers } = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    close: () => service.close(),
  };
}
