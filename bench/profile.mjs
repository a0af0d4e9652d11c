// npm run profile [-- <script> <arguments>]: a CPU profile of a benchmark, the ratio gates unless another is named.
import '../scripts/supported-node.mjs';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [script = 'bench/gates/main.ts', ...given] = process.argv.slice(2);
const folder = `${root}test-results/profiles`;
mkdirSync(folder, { recursive: true });

const child = spawn(
  process.execPath,
  ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--conditions=@pilotlight/source', '--import', 'tsx', script, ...given],
  { cwd: root, stdio: 'inherit' },
);
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => {
  console.log(
    `\n${readdirSync(folder).length} profiles in test-results/profiles. Open one in Chromium's DevTools, Performance, or at speedscope.app.`,
  );
  process.exitCode = code ?? 130;
});
