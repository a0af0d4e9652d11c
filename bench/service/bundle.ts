import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('../../packages/warmer/node_modules/.cache/bench', import.meta.url));

/**
 * A program of this folder as one file of JavaScript, our packages in it and libraries outside, as in production: a
 * TypeScript loader in the process would count as the service's own memory.
 */
export async function bundled(name: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const outfile = `${folder}/${name}.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['@pilotlight/source'],
    logLevel: 'error',
    plugins: [
      {
        name: 'libraries stay outside',
        setup(build) {
          build.onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path.startsWith('@pilotlight/') ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  return outfile;
}
