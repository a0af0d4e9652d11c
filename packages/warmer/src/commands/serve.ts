import { defineCommand } from 'citty';
import { WarmerError } from '../errors.js';
import { startWarmer } from '../warmer.js';
import { attempt, closeOnSignals } from './run.js';
import { settingFlags, settingsOf } from './settings.js';

export const serveCommand = defineCommand({
  meta: { name: 'serve', description: 'Run the warmer service: with tokens, against E2B or a host of its kind' },
  args: settingFlags,
  run: ({ args }) =>
    attempt(async () => {
      const config = settingsOf(args);
      if (config.tokens.length === 0) {
        throw new WarmerError(
          'invalid_option',
          'There is no token, so nobody could use the service. Make one with "pilotlight token --tenant <name>" and add it to "tokens".',
        );
      }
      if (config.allowAnonymousLoopback) {
        throw new WarmerError('invalid_option', '"allowAnonymousLoopback" is for "pilotlight dev" only. Remove it.');
      }
      closeOnSignals(await startWarmer(config, { mode: 'serve' }));
    }),
});
