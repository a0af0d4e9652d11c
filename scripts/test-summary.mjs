// The plain closing lines of a test run, from the runner's own report: the slowest files, then the counts.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './packages.mjs';

const report = JSON.parse(readFileSync(`${root}test-results/vitest.json`, 'utf8'));
const slowest = report.testResults
  .map(({ name, startTime, endTime }) => ({ path: relative(root, name), seconds: (endTime - startTime) / 1000 }))
  .sort((first, second) => second.seconds - first.seconds)
  .slice(0, 10);
console.log('\nSlowest files, seconds in their tests:');
for (const { path, seconds } of slowest) console.log(`${seconds.toFixed(1).padStart(7)}  ${path}`);
console.log(
  `${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests + report.numTodoTests} skipped`,
);
