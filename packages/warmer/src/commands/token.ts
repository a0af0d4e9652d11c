import { randomBytes } from 'node:crypto';
import { type WireScope, wireScope } from '@pilotlight/warming/wire';
import { defineCommand } from 'citty';
import { stringify } from 'yaml';
import { issueToken } from '../auth/tokens.js';
import { WarmerError } from '../errors.js';
import { attempt } from './run.js';

export const tokenCommand = defineCommand({
  meta: { name: 'token', description: 'Make a token for a tenant; the configuration keeps only its hash' },
  args: {
    tenant: { type: 'string', description: 'Whose token it is', default: 'default' },
    scopes: {
      type: 'string',
      description: `Separated by commas, out of: ${wireScope.options.join(', ')} (default: all but operator)`,
    },
    days: { type: 'string', description: 'How long it is valid (default: for ever)' },
    'seal-key': { type: 'boolean', description: 'Print a key for "sealKey" instead', default: false },
    json: { type: 'boolean', description: 'Print one JSON object', default: false },
  },
  run: ({ args }) =>
    attempt(async () => {
      if (args['seal-key']) {
        console.log(randomBytes(32).toString('hex'));
        return;
      }
      const days = args.days === undefined ? undefined : Number(args.days);
      if (days !== undefined && !(days > 0))
        throw new WarmerError('invalid_option', '--days must be a number above 0.');
      const { token, record } = issueToken(
        {
          tenant: args.tenant,
          scopes: scopesOf(args.scopes),
          ...(days === undefined ? {} : { expiresAtMs: Date.now() + days * 86_400_000 }),
        },
        randomBytes,
      );
      if (args.json) {
        console.log(JSON.stringify({ token, record }));
        return;
      }
      console.log(`Token, shown this once:\n\n  ${token}\n\nFor the service's configuration file:\n`);
      console.log(stringify({ tokens: [record] }));
    }),
});

function scopesOf(text: string | undefined): WireScope[] {
  if (text === undefined) return wireScope.options.filter((scope) => scope !== 'operator');
  return text.split(',').map((name) => {
    const scope = wireScope.safeParse(name.trim());
    if (scope.success) return scope.data;
    throw new WarmerError('invalid_option', `There is no scope "${name}". Use: ${wireScope.options.join(', ')}.`);
  });
}
