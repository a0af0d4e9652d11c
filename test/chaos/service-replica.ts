import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../packages/warmer/src/warmer.js';

/** A replica of the service. Answers over HTTP until it is killed, and tells where. */
const config = configSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
process.once('disconnect', () => process.exit(0));

/** Redis may be away when a replica starts; as an orchestrator would, it is started again, but not for ever. */
async function start(triesLeft: number): Promise<string> {
  try {
    return (await startWarmer(config)).url;
  } catch (error) {
    if (triesLeft === 0) throw error;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return start(triesLeft - 1);
  }
}

const url = await start(50);
process.send?.({ url });
