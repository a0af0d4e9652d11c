// Everything on this machine: builds the dashboard when it is missing, then serves `pilotlight dev`.
import './supported-node.mjs';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { root } from './packages.mjs';

if (!existsSync(`${root}packages/warmer/dist/dashboard/index.html`)) {
  console.log('The dashboard was not built yet: building it once.');
  const { status } = spawnSync('npm', ['run', '-s', 'build:dashboard'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const service = spawn(
  process.execPath,
  [`${root}packages/warmer/bin/pilotlight.mjs`, 'dev', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
// The terminal sends its signals to both; what comes from elsewhere is passed on.
process.on('SIGTERM', () => service.kill('SIGTERM'));
process.on('SIGINT', () => {});
// The shell between npm and this script keeps a signal to itself: it is gone then, and so should this be.
const shell = process.ppid;
setInterval(() => process.ppid === shell || service.kill('SIGTERM'), 500).unref();
service.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
