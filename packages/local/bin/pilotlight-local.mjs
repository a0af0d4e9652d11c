#!/usr/bin/env node
import { existsSync } from 'node:fs';

// A checkout that was not built yet runs from source; an installed package always has its build.
if (existsSync(new URL('../dist/cli.js', import.meta.url))) {
  await import('../dist/cli.js');
} else {
  const { register } = await import('tsx/esm/api');
  register();
  await import('../src/cli.ts');
}
