import { type ConnectionOptions, defineRuntime, Pilotlight } from '@pilotlight/sdk';

/**
 * The same pool, declared: what `warm` did is the runtime, `size` is its target, `acquire` is `sandbox`, `drain` is `close`.
 *
 * What was missing comes with it: nothing leaks after a crash, a burst stays below the provider's limits, what expires is
 * replaced, progress while it warms, and env, files and memories given after the claim.
 */
export const app = defineRuntime({
  name: 'app',
  files: { '/home/user/app/settings.json': '{ "ready": true }' },
  steps: [{ name: 'check', run: 'python3 -m json.tool settings.json', cwd: '/home/user/app' }],
  pool: { target: 2, max: 10 },
});

export function openPool(connection: ConnectionOptions): Pilotlight {
  return new Pilotlight({ ...connection, runtimes: [app] });
}
