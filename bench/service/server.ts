// The service in a process of its own, as it is in production: client and server must not share an event loop.
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { RuntimeWarmingManager } from '@pilotlight/warming';
import { pino } from 'pino';
import { MemoryClaimBook } from '../../packages/warmer/src/adapters/memory-book.js';
import { MemoryIdempotencyStore } from '../../packages/warmer/src/adapters/memory-idempotency.js';
import { MemoryEventLog } from '../../packages/warmer/src/adapters/memory-log.js';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { createService } from '../../packages/warmer/src/service.js';
import { InstantProvider } from './engine.js';

const slots = Number(process.argv[2] ?? 1000);
const { token, record } = issueToken(
  { tenant: 'bench', scopes: ['claims', 'events', 'terminal', 'pools:read'] },
  randomBytes,
);
const config = configSchema.parse({
  tokens: [record],
  limits: { requestsPerSecond: 100_000 },
  runtimes: [
    { name: 'bench', pool: { target: slots, max: slots * 4, link: false, generic: false } },
    { name: 'watched', steps: [{ name: 'wait', run: 'true' }], pool: { target: 0, link: false, generic: false } },
  ],
});
const manager = new RuntimeWarmingManager({
  provider: new InstantProvider(),
  budget: { createsPerSecond: 100_000, burst: 100_000, maxConcurrentCreates: 64, maxSandboxes: 100_000 },
});
const service = await createService({
  config,
  mode: 'serve',
  version: '0.0.0',
  logger: pino({ level: 'warn' }),
  now: Date.now,
  manager,
  poolControl: { change: async () => {}, numbers: () => ({ cost: null }) },
  snapshots: undefined,
  book: new MemoryClaimBook(),
  log: new MemoryEventLog({ now: Date.now }),
  idempotency: new MemoryIdempotencyStore({ now: Date.now }),
  terminals: { open: () => Promise.reject(new Error('none')), reopen: () => Promise.reject(new Error('none')) },
  sandboxUrl: undefined,
  dashboardRoot: undefined,
});
await service.app.listen({ host: '127.0.0.1', port: 0 });
await manager.start();
while ((manager.pools().find((pool) => pool.runtime === 'bench')?.hot ?? 0) < slots) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const { port } = service.app.server.address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}`, token });
process.on('message', () => {
  globalThis.gc?.();
  process.send?.({ residentBytes: process.memoryUsage.rss() });
});
