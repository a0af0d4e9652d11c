import { existsSync, readFileSync } from 'node:fs';
import { transform } from 'esbuild';
import { defineConfig, type Options } from 'tsup';

/**
 * One build for every package: `npm run build` starts it in each package's folder.
 *
 * The entries are read from the package's own `exports`, so a subpath that is published is a subpath that is built.
 * Run-time libraries stay external because they stand in `dependencies` or `peerDependencies`, but for the few of
 * `docs/decisions/0120-built-in-libraries.md`.
 */
interface Manifest {
  name: string;
  exports?: Record<string, string | Record<string, unknown>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

const published = Object.values(manifest.exports ?? {})
  .map((target) => (typeof target === 'string' ? undefined : target['@pilotlight/source']))
  .filter((source): source is string => typeof source === 'string');

/** Loaded by every application at its start, as many small files or with much that is not used here. */
const engine = ['zod', 'eventemitter3', 'heap-js', 'croner'];
const builtIn: Record<string, string[]> = {
  '@pilotlight/sdk': [
    ...engine,
    'ky',
    'eventsource-parser',
    '@opentelemetry/api',
    '@pilotlight/warming',
    '@pilotlight/memory/redact',
  ],
  '@pilotlight/warming': engine,
};

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const builtInLibraries: Plugin = {
  name: 'built-in-libraries',
  setup(build) {
    // One module says what of zod is built in. Schemas of the wire stay with the zod of the server that serves them.
    build.onResolve({ filter: /^zod$/ }, ({ importer }) =>
      importer.endsWith('/src/schema.ts') ? undefined : { path: 'zod', external: true },
    );
    // An error is of one class, wherever it comes from.
    build.onResolve({ filter: /\/errors\.js$/ }, ({ importer }) =>
      manifest.name === '@pilotlight/sdk' && importer.includes('/warming/src/')
        ? { path: '@pilotlight/warming/errors', external: true }
        : undefined,
    );
    // What is left of a library after what is not used went is not for reading.
    build.onLoad({ filter: /node_modules\/.*\.[cm]?js$/ }, async ({ path }) => ({
      contents: (await transform(readFileSync(path, 'utf8'), { minify: true, legalComments: 'inline' })).code,
      loader: 'js',
    }));
  },
};

const shared: Options = {
  target: 'node20',
  sourcemap: true,
  shims: true,
  splitting: true,
  treeshake: true,
  ...(manifest.name in builtIn
    ? {
        // A page loads parts of these; what stands in for `__dirname` would ask it for Node's modules.
        shims: false,
        // What an import costs is read and scanned first; the source stands beside it in the package.
        minifyWhitespace: true,
        noExternal: builtIn[manifest.name] ?? [],
        esbuildPlugins: [builtInLibraries],
        esbuildOptions: (options) => {
          options.mainFields = ['module', 'main'];
          options.conditions = ['@pilotlight/source', 'import', 'module'];
        },
      }
    : {}),
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
