import { SnapshotLinks } from '@pilotlight/snapshots';
import type { SnapshotLinkStore } from '@pilotlight/warming';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support.js';

describe('snapshot links', () => {
  it('fit where the engine asks for them', async () => {
    const links = new SnapshotLinks({ directory: temporaryDirectory() });
    const port: SnapshotLinkStore = links;
    const link = { specKey: 'spec', snapshotId: 'snapshot', createdAtMs: 1 };
    expect(await port.save(link)).toMatchObject(link);
    expect(await port.resolve('spec')).toMatchObject(link);
    expect(await port.drop('spec', 'snapshot')).toBe(true);
    expect(await port.all()).toEqual([]);
    links.close();
  });
});
