// npm audit of what is published, with a clear word when the registry at hand cannot answer.
import { spawnSync } from 'node:child_process';
import { root } from './packages.mjs';

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { cwd: root, encoding: 'utf8' });
const answer = JSON.parse(stdout || '{}');
const found = answer.metadata?.vulnerabilities;
if (!found) {
  console.error(
    `NOT CHECKED: the registry did not answer the audit (${answer.message ?? answer.error?.summary ?? 'no reason given'}).`,
  );
} else {
  const { high = 0, critical = 0, total = 0 } = found;
  console.log(`${total} known vulnerabilities in what is published, ${high} high, ${critical} critical`);
  if (total > 0) process.exitCode = 1;
}
