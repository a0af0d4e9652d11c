import { randomBytes } from 'node:crypto';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { type FollowWay, remoteManager } from '@pilotlight/sdk/remote';
import { RuntimeWarmingManager } from '@pilotlight/warming';
import { e2bProvider } from '@pilotlight/warming/e2b';
import { Sandbox } from 'e2b';
import { afterAll, beforeAll } from 'vitest';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../packages/warmer/src/warmer.js';
import { describeClaims, type SuiteSubject } from './support/claim-suite.js';
import { allScopes } from './support/start-service.js';

let host: LocalHost;
beforeAll(async () => {
  host = await startLocalHost();
});
afterAll(() => host.close());

function sandboxes(): Pick<SuiteSubject, 'run' | 'exists'> {
  const connection = host.connectionOptions;
  return {
    async run(sandboxId, command) {
      const sandbox = await Sandbox.connect(sandboxId, connection);
      return (await sandbox.commands.run(command)).stdout;
    },
    exists: async (sandboxId) =>
      Sandbox.getInfo(sandboxId, connection).then(
        () => true,
        () => false,
      ),
  };
}

const budget = { createsPerSecond: 50, maxConcurrentCreates: 4, maxSandboxes: 50 };

describeClaims('the embedded manager', async () => {
  const manager = new RuntimeWarmingManager({ provider: e2bProvider(host.connectionOptions), budget });
  return { manager, ...sandboxes(), close: () => manager.close() };
});

const ways: [string, FollowWay[] | undefined][] = [
  ['WebSocket', undefined],
  ['server-sent events', ['server-sent-events']],
  ['polling', ['polling']],
];

for (const [name, followBy] of ways) {
  describeClaims(`the service's client, followed by ${name}`, async () => {
    const { token, record } = issueToken({ tenant: 'acme', scopes: allScopes }, randomBytes);
    const config = configSchema.parse({
      listen: { port: 0 },
      provider: host.connectionOptions,
      store: { kind: 'memory' },
      tokens: [record],
      budget,
      log: { level: 'silent' },
    });
    const warmer = await startWarmer(config);
    const manager = remoteManager({ url: warmer.url, token, ...(followBy ? { followBy } : {}) });
    return {
      manager,
      ...sandboxes(),
      async close() {
        await manager.close();
        await warmer.close();
      },
    };
  });
}
