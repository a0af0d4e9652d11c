// The service over a provider that answers at once, in a process of its own, as it is in production.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RuntimeWarmingManager } from '@pilotlight/warming';
import { pino } from 'pino';
import { WebSocketServer } from 'ws';
import { MemoryClaimBook } from '../../packages/warmer/src/adapters/memory-book.js';
import { MemoryClaimHistory } from '../../packages/warmer/src/adapters/memory-history.js';
import { MemoryIdempotencyStore } from '../../packages/warmer/src/adapters/memory-idempotency.js';
import { MemoryEventLog } from '../../packages/warmer/src/adapters/memory-log.js';
import { MemoryRuntimeBook } from '../../packages/warmer/src/adapters/memory-runtimes.js';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { countInProcess } from '../../packages/warmer/src/http/limits.js';
import { createService } from '../../packages/warmer/src/service.js';
import { InstantProvider, instantTerminals } from './instant.js';

/** What the process tells when it can be measured. */
export interface InstantServer {
  url: string;
  token: string;
  /** A WebSocket in the same process that sends back what it gets. */
  bareUrl: string;
}

const [slots = 1_000, pools = 10] = process.argv.slice(2).map(Number);
const { token, record } = issueToken(
  { tenant: 'bench', scopes: ['claims', 'events', 'terminal', 'pools:read'] },
  randomBytes,
);
const config = configSchema.parse({
  tokens: [record],
  limits: { requestsPerSecond: 100_000 },
  runtimes: [
    ...Array.from({ length: pools }, (_, index) => ({
      name: `bench-${index}`,
      pool: { target: slots / pools, max: slots, link: false, generic: false },
    })),
    { name: 'watched', steps: [{ name: 'wait', run: 'gate' }], pool: { target: 0, link: false, generic: false } },
  ],
});
const provider = new InstantProvider();
const manager = new RuntimeWarmingManager({
  provider,
  budget: { createsPerSecond: 100_000, burst: 100_000, maxConcurrentCreates: 64, maxSandboxes: 100_000 },
});
const service = await createService({
  config,
  mode: 'serve',
  version: '0.0.0',
  logger: pino({ level: 'warn' }),
  now: Date.now,
  manager,
  poolControl: { change: async () => {}, numbers: () => ({ cost: null, forecast: null }) },
  snapshots: undefined,
  book: new MemoryClaimBook(),
  runtimes: new MemoryRuntimeBook(),
  counters: countInProcess,
  history: new MemoryClaimHistory(),
  log: new MemoryEventLog({ now: Date.now }),
  idempotency: new MemoryIdempotencyStore({ now: Date.now }),
  terminals: instantTerminals,
  sandboxUrl: undefined,
  dashboardRoot: undefined,
});
await service.app.listen({ host: '127.0.0.1', port: 0 });
await manager.start();
async function full(): Promise<void> {
  while (manager.pools().reduce((sum, pool) => sum + pool.hot, 0) < slots) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
await full();
const bare = createServer();
new WebSocketServer({ server: bare, perMessageDeflate: false }).on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data));
});
await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
const at = (address: unknown): number => (address as AddressInfo).port;
const hello: InstantServer = {
  url: `http://127.0.0.1:${at(service.app.server.address())}`,
  token,
  bareUrl: `ws://127.0.0.1:${at(bare.address())}`,
};
process.send?.(hello);
const answers: Record<string, () => Promise<object> | object> = {
  'open the gate': () => {
    provider.openGate();
    return {};
  },
  'be full again': async () => {
    await full();
    return {};
  },
  memory: () => {
    globalThis.gc?.();
    return { residentBytes: process.memoryUsage.rss() };
  },
};
process.on('message', async (question: string) => {
  const answer = (await answers[question]?.()) ?? {};
  if (process.connected) process.send?.(answer);
});
for (const end of ['SIGTERM', 'disconnect'] as const) process.once(end, () => process.exit(0));
