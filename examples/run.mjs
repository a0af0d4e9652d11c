// Starts an example: npm run example <name>
import '../scripts/supported-node.mjs';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const names = readdirSync(`${root}examples`).filter((name) => existsSync(`${root}examples/${name}/main.ts`));
const [name, ...given] = process.argv.slice(2);

if (!existsSync(`${root}node_modules/tsx`)) {
  console.error('Nothing is installed yet. Run "npm ci" first.');
  process.exitCode = 1;
} else if (!name || !names.includes(name)) {
  console.error(`${name ? `There is no example "${name}".` : 'Which example?'} One of: ${names.join(', ')}`);
  process.exitCode = 1;
} else {
  const child = spawn(
    process.execPath,
    ['--conditions=@pilotlight/source', '--import', 'tsx', `${root}examples/${name}/main.ts`, ...given],
    { stdio: 'inherit' },
  );
  // A terminal's Ctrl-C reaches both; the example ends in its own order and this process waits for it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}
