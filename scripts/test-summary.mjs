// The plain closing line of a test run, from the runner's own report.
import { readFileSync } from 'node:fs';
import { root } from './packages.mjs';

const report = JSON.parse(readFileSync(`${root}test-results/vitest.json`, 'utf8'));
console.log(
  `${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests + report.numTodoTests} skipped`,
);
