import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const warmer = fileURLToPath(new URL('../../packages/warmer', import.meta.url));
const folder = `${warmer}/node_modules/.cache/bench`;

/**
 * A program, of this folder unless another is named, as one file of JavaScript, our packages in it and libraries outside, as in production: a
 * TypeScript loader in the process would count as the service's own memory.
 */
export async function bundled(name: string, from = new URL('./', import.meta.url)): Promise<string> {
  mkdirSync(folder, { recursive: true });
  // The service reads its version from the folder above its code.
  copyFileSync(`${warmer}/package.json`, `${folder}/../package.json`);
  const outfile = `${folder}/${name}.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, from))],
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
          // The embedded host is loaded by `pilotlight dev` alone.
          build.onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path.startsWith('@pilotlight/') && path !== '@pilotlight/local' ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  return outfile;
}
