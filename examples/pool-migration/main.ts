// A hand-written pool (before.ts) and what becomes of it (after.ts), side by side.
//
//   npm run example pool-migration
//
// Move in three steps: declare the runtime, replace `acquire` by `sandbox`, delete the pool. Both can run at the same time,
// because Pilotlight touches no sandbox but those that carry its own fleet's mark.

import type { Sandbox } from 'e2b';
import { example } from '../support/example.js';
import { openPool } from './after.js';
import { HandWrittenPool } from './before.js';

/** The application does not change: it gets a `Sandbox` of the unmodified `e2b` package from either. */
async function settingsOf(sandbox: Sandbox): Promise<string> {
  return (await sandbox.commands.run('cat settings.json', { cwd: '/home/user/app' })).stdout.trim();
}

await example(async (connection, signal) => {
  const before = new HandWrittenPool(connection, 2);
  try {
    await before.fill();
    const sandbox = await before.acquire();
    console.log(`before: ${await settingsOf(sandbox)}`);
    await sandbox.kill();
    await before.fill();
  } finally {
    await before.drain();
  }
  signal.throwIfAborted();

  await using after = openPool(connection);
  const sandbox = await after.sandbox('app', { signal, env: { USER_NAME: 'ada' } });
  console.log(`after: ${await settingsOf(sandbox)}`);
  console.log(`env after the claim: ${(await sandbox.commands.run('echo $USER_NAME')).stdout.trim()}`);
  await sandbox.kill();
});
