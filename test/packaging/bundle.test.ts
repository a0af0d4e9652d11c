import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const kilobyte = 1_000;

/** What a page or an edge function downloads for these imports, without `e2b` and `react`. */
async function bundle(contents: string, conditions: string[]) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: conditions.includes('node') ? 'node' : 'browser',
    conditions: ['@pilotlight/source', ...conditions],
    external: ['e2b', 'react', 'react/jsx-runtime'],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { gzipBytes: gzipSync(outputFiles[0]?.contents ?? '').length, imports };
}

describe('the client part of the SDK', () => {
  const entries = {
    'client and hooks': `export * from '@pilotlight/sdk/remote'; export * from '@pilotlight/sdk/react';`,
    client: `export { remoteManager } from '@pilotlight/sdk/remote';`,
  };

  describe.each([
    ['a browser', ['browser', 'import']],
    ['an edge runtime', ['edge-light', 'worker', 'import']],
  ])('bundled for %s', (_name, conditions) => {
    it.each(Object.entries(entries))('%s needs nothing of Node and is at most 20 kB', async (_entry, contents) => {
      const { gzipBytes, imports } = await bundle(contents, conditions);
      expect(imports.filter((path) => !/^react(\/|$)/.test(path))).toEqual([]);
      expect(gzipBytes).toBeLessThanOrEqual(20 * kilobyte);
    });
  });
});
