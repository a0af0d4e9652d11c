import { describe, expect, it } from 'vitest';
import { bundle, clientBytes, clientEntries } from './bundle.js';

describe.each([
  ['a browser', ['browser', 'import']],
  ['an edge runtime', ['edge-light', 'worker', 'import']],
])('the client part of the SDK, bundled for %s', (_name, conditions) => {
  it.each(Object.entries(clientEntries))('%s: needs nothing of Node and is at most 20 kB', async (_entry, contents) => {
    const { gzipBytes, imports } = await bundle(contents, import.meta.dirname, ['@pilotlight/source', ...conditions]);
    expect(imports.filter((path) => !/^react(\/|$)/.test(path))).toEqual([]);
    expect(gzipBytes).toBeLessThanOrEqual(clientBytes);
  });
});
