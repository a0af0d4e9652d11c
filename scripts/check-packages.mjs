// Each package as npm would publish it: publint for its manifest, attw for its types.
import { spawnSync } from 'node:child_process';
import { packages, root } from './packages.mjs';

const checks = [
  ['publint', '--strict'],
  ['attw', '--pack', '--profile', 'node16'],
];

for (const { folder, path } of packages) {
  for (const [command, ...commandArguments] of checks) {
    console.log(`\n# ${folder}: ${command}`);
    const { status } = spawnSync(`${root}node_modules/.bin/${command}`, commandArguments, {
      cwd: path,
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}
