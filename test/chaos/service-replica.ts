import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../packages/warmer/src/warmer.js';

/** A replica of the service. Answers over HTTP until it is killed, and tells where. */
const config = configSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
process.once('disconnect', () => process.exit(0));

// Redis may be away when a replica starts, as for any orchestrator: it is started again.
while (true) {
  try {
    const { url } = await startWarmer(config);
    process.send?.({ url });
    break;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
