import { defineCommand, runMain } from 'citty';
import { isLocalHostError } from './errors.js';
import { startLocalHost } from './host.js';
import type { LocalHostOptions } from './options.js';

const command = defineCommand({
  meta: { name: 'pilotlight-local', description: 'An E2B-compatible sandbox host on this machine.' },
  args: {
    port: { type: 'string', description: 'Port on 127.0.0.1; 0 takes a free one', default: '3000' },
    json: { type: 'boolean', description: 'Print one JSON line when serving', default: false },
    'api-key': { type: 'string', description: 'Key clients have to send (default: a new one, or E2B_API_KEY)' },
    'state-directory': { type: 'string', description: 'Where sandboxes live while they run' },
    isolation: { type: 'string', description: 'auto, process, namespaces or hardened', default: 'auto' },
    domain: { type: 'string', description: 'What clients build getHost() names from' },
  },
  async run({ args }) {
    const host = await startLocalHost({
      port: Number(args.port),
      // An empty variable is one that is not set.
      apiKey: args['api-key'] ?? (process.env.E2B_API_KEY || undefined),
      stateDirectory: args['state-directory'],
      isolation: args.isolation as LocalHostOptions['isolation'],
      domain: args.domain,
    }).catch((error: unknown) => {
      console.error(isLocalHostError(error) ? error.message : error);
      process.exit(1);
    });
    // Before the line is printed: whoever reads it may stop the host at once.
    const stop = () => void host.close().then(() => process.exit(0));
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    const { apiUrl, sandboxUrl, apiKey, isolation, isolationReason, userIds } = host;
    if (args.json) {
      console.log(JSON.stringify({ apiUrl, sandboxUrl, apiKey, isolation }));
    } else {
      console.log(`E2B_API_URL=${apiUrl}\nE2B_SANDBOX_URL=${sandboxUrl}\nE2B_API_KEY=${apiKey}`);
      console.log(`isolation: ${isolation}${isolationReason === undefined ? '' : ` (${isolationReason})`}`);
      console.log(`user ids of sandboxes: ${userIds}`);
    }
  },
});

await runMain(command);
