import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprint, temporaryDirectory, writeTree } from '../../../../test/snapshots/support.js';
import { openStore } from './store.js';

describe('a restore', () => {
  it('restores modes exactly below a directory that hands on its group', async () => {
    const work = temporaryDirectory();
    writeTree(join(work, 'tree'), { 'open/a.txt': 'a', 'closed/b.txt': 'b' });
    chmodSync(join(work, 'tree/closed'), 0o700);
    mkdirSync(join(work, 'shared'));
    chmodSync(join(work, 'shared'), 0o2755);
    const store = await openStore({ directory: join(work, 'store'), threads: 0 });
    const { snapshot } = await store.capture(join(work, 'tree'));
    await store.restore(snapshot.id, join(work, 'shared/copy'));
    expect(fingerprint(join(work, 'shared/copy'))).toEqual(fingerprint(join(work, 'tree')));
    await store.close();
  });
});
