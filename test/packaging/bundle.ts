import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a page or an edge function downloads for these imports, without `e2b` and `react`. */
export async function bundle(contents: string, folder: string, conditions: readonly string[]) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: [...conditions],
    external: ['e2b', 'react', 'react/jsx-runtime'],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { gzipBytes: gzipSync(outputFiles[0]?.contents ?? '').length, imports };
}

/** Entries that a page may import. */
export const clientEntries = {
  'client and hooks': `export * from '@pilotlight/sdk/remote'; export * from '@pilotlight/sdk/react';`,
  client: `export { remoteManager } from '@pilotlight/sdk/remote';`,
};

export const clientBytes = 20_000;
