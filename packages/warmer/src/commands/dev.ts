import { randomBytes } from 'node:crypto';
import { wireScope } from '@pilotlight/warming/wire';
import { defineCommand } from 'citty';
import { isLoopbackHost } from '../auth/origins.js';
import { issueToken } from '../auth/tokens.js';
import type { WarmerConfig } from '../config/schema.js';
import { WarmerError } from '../errors.js';
import { startWarmer } from '../warmer.js';
import { attempt, closeOnSignals } from './run.js';
import { settingFlags, settingsOf } from './settings.js';

/** Needs no network and a second to warm: enough to see WARMING, HOT and a terminal. */
const exampleRuntime = {
  name: 'hello-shell',
  steps: [
    {
      name: 'prepare',
      run: 'mkdir -p ~/work && echo "echo Hello from a warm sandbox" > ~/work/hello.sh',
      timeoutMs: 10_000,
    },
    { name: 'settle', run: 'sleep 1', timeoutMs: 10_000 },
  ],
  ready: { file: '/home/user/work/hello.sh' },
  pool: { target: 2, max: 10 },
};

export const devCommand = defineCommand({
  meta: { name: 'dev', description: 'Everything on this machine: service, dashboard and an embedded sandbox host' },
  args: { ...settingFlags, json: { type: 'boolean', description: 'Print one JSON line when serving', default: false } },
  run: ({ args }) =>
    attempt(async () => {
      const { config, token } = devConfig(settingsOf(args, ['store.kind=memory', 'log.level=warn']));
      const warmer = await startWarmer(config, { mode: 'dev', logTo: process.stderr });
      closeOnSignals(warmer);
      const { url, isolation } = warmer;
      if (args.json) {
        console.log(JSON.stringify({ url, token, isolation }));
        return;
      }
      const host = isolation === undefined ? 'the provider you named' : `embedded host, isolation level "${isolation}"`;
      console.log(
        [
          '',
          `  Dashboard   ${url}/`,
          `  Sandboxes   ${host}`,
          `  Token       ${token}`,
          '              not needed from this machine; for trying what a client sends',
          '',
          `  const pilotlight = new Pilotlight({ warmer: '${url}' });`,
          '',
          '  Stop with Ctrl-C. Nothing is kept.',
          '',
        ].join('\n'),
      );
    }),
});

/** @throws {@link WarmerError} when it would listen where others can reach it: there is no token in development */
function devConfig(given: WarmerConfig): { config: WarmerConfig; token: string } {
  if (!isLoopbackHost(given.listen.host)) {
    throw new WarmerError(
      'invalid_option',
      `"pilotlight dev" needs no token and so listens on this machine only, not on ${given.listen.host}. Use "pilotlight serve" for others.`,
    );
  }
  const { token, record } = issueToken({ tenant: 'default', scopes: wireScope.options }, randomBytes);
  const elsewhere = given.provider.apiKey !== undefined || given.provider.apiUrl !== undefined;
  return {
    token,
    config: {
      ...given,
      allowAnonymousLoopback: true,
      tokens: [...given.tokens, record],
      provider: elsewhere ? given.provider : { kind: 'local' },
      runtimes: given.runtimes.length > 0 ? given.runtimes : [exampleRuntime],
    },
  };
}
