// The service over the local host, both in a process of their own: real sandboxes on this machine.
import { randomBytes } from 'node:crypto';
import { startLocalHost } from '@pilotlight/local';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../packages/warmer/src/warmer.js';

/** What the process tells when it can be measured. */
export interface LocalServer {
  url: string;
  token: string;
  connection: { apiKey: string; apiUrl: string; sandboxUrl: string };
}

const [slots = 40] = process.argv.slice(2).map(Number);
const host = await startLocalHost();
const { token, record } = issueToken({ tenant: 'bench', scopes: ['claims', 'events', 'terminal'] }, randomBytes);
const warmer = await startWarmer(
  configSchema.parse({
    listen: { port: 0 },
    provider: host.connectionOptions,
    store: { kind: 'memory' },
    tokens: [record],
    budget: { createsPerSecond: 100, maxConcurrentCreates: 4, maxSandboxes: 2 * slots },
    log: { level: 'silent' },
    drainMs: 0,
    runtimes: [{ name: 'shell', pool: { target: slots, max: slots, link: false, generic: false } }],
  }),
);
await warmer.warmed;
const hello: LocalServer = { url: warmer.url, token, connection: host.connectionOptions };
if (process.connected) process.send?.(hello);
const stop = (): void => {
  void warmer
    .close()
    .then(() => host.close())
    .finally(() => process.exit(0));
};
process.once('SIGTERM', stop);
process.once('disconnect', stop);
