// Runs one command in the folder of every package, in dependency order, and stops at the first that fails.
import { spawnSync } from 'node:child_process';
import { packages, root } from './packages.mjs';

const [command, ...commandArguments] = process.argv.slice(2);
for (const { folder, path } of packages) {
  console.log(`\n# ${folder}`);
  const { status } = spawnSync(`${root}node_modules/.bin/${command}`, commandArguments, {
    cwd: path,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
