import { existsSync, readFileSync } from 'node:fs';
import { defineConfig, type Options } from 'tsup';

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

const shared: Options = {
  target: 'node20',
  sourcemap: true,
  shims: true,
  splitting: true,
  treeshake: true,
};

export default defineConfig([
  {
    ...shared,
    entry: published,
    format: ['esm', 'cjs'],
    dts: { compilerOptions: { composite: false, incremental: false } },
    clean: ['dist/*.{js,cjs,map,d.ts,d.cts}'],
  },
  // A command has no subpath and is never required: its `bin` file imports `dist/cli.js`.
  ...(existsSync('src/cli.ts') ? [{ ...shared, entry: ['src/cli.ts'], format: 'esm' as const, clean: false }] : []),
]);
