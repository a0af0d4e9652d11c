import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The published packages, those that others depend on first. */
export const packages = ['local', 'warming', 'snapshots', 'memory', 'sdk', 'warmer'].map((folder) => {
  const path = `${root}packages/${folder}`;
  return { folder, path, manifest: JSON.parse(readFileSync(`${path}/package.json`, 'utf8')) };
});
