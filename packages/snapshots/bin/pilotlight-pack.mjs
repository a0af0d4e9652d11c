#!/usr/bin/env node
import { existsSync } from 'node:fs';

const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number);
if (major * 1e6 + minor * 1e3 + patch < 20_018_001) {
  console.error(
    `pilotlight-pack needs Node 20.18.1 or later; this is ${process.versions.node}. Install a later one: https://nodejs.org`,
  );
  process.exit(1);
}

if (existsSync(new URL('../dist/cli.js', import.meta.url))) {
  await import('../dist/cli.js');
} else {
  const { runSource } = await import('../../../scripts/run-source.mjs');
  runSource(new URL('../src/cli.ts', import.meta.url));
}
