// Preloaded by the commands of this repository: lets Node run TypeScript, or says what is missing.
import './supported-node.mjs';
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../node_modules/tsx', import.meta.url))) {
  console.error('Nothing is installed yet. Run "npm ci" first.');
  process.exit(1);
}
await import('tsx');
