// Two applications share the pools of one warmer service: either may come and go, what is warm stays warm.
//
//   npm run example warmer-two-apps

import { type RemoteWarmingManager, remoteManager } from '@pilotlight/sdk/remote';
import { example } from '../support/example.js';
import { startService } from '../support/service.js';

/** What an application does: it asks, follows the progress when it has to, works, and ends its claim. */
async function work(app: string, manager: RemoteWarmingManager, signal: AbortSignal): Promise<void> {
  const answer = await manager.claim('hello-shell', { signal, userId: app });
  const how = answer.state === 'HOT' ? 'HOT at once' : `WARMING first, because: ${answer.reason}`;
  const claim = await answer.ready;
  await claim.ack();
  console.log(`${app}: ${how}`);
  await claim.retire();
}

await example(async (connection, signal) => {
  const service = await startService(connection);
  try {
    const first = remoteManager({ url: service.url });
    await work('first app', first, signal);
    // The first application ends. Its pool does not.
    await first.close();
    const second = remoteManager({ url: service.url });
    await work('second app', second, signal);
    await second.close();
  } finally {
    await service.stop();
  }
});
