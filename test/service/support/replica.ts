import { configSchema } from '../../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../../packages/warmer/src/warmer.js';

/** One replica in a process of its own, to be killed. */
const warmer = await startWarmer(configSchema.parse(JSON.parse(process.argv[2] ?? '{}')));
await warmer.warmed;
console.log(warmer.url);
