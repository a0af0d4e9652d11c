import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

/**
 * One build for every package: `npm run build` starts it in each package's folder.
 *
 * The entries are read from the package's own `exports`, so a subpath that is published is a subpath that is built.
 * Run-time libraries stay external because they stand in `dependencies` or `peerDependencies`.
 */
interface Manifest {
  exports?: Record<string, string | Record<string, unknown>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

const published = Object.values(manifest.exports ?? {})
  .map((target) => (typeof target === 'string' ? undefined : target['@pilotlight/source']))
  .filter((source): source is string => typeof source === 'string');

/** A command has no subpath: its `bin` file starts `dist/cli.js`. */
const command = './src/cli.ts';
const entries = [...new Set(existsSync(command) ? [...published, command] : published)];

export default defineConfig({
  entry: entries,
  format: ['esm', 'cjs'],
  target: 'node20',
  dts: { compilerOptions: { composite: false, incremental: false } },
  sourcemap: true,
  clean: true,
  shims: true,
  splitting: true,
  treeshake: true,
});
