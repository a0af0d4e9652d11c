import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeClock, temporaryDirectory } from '../../../../test/snapshots/support.js';
import { type SnapshotLink, SnapshotLinks } from './link-store.js';

/** The port as the engine declares it. */
interface EnginePort {
  readonly durable: boolean;
  resolve(specKey: string): Promise<SnapshotLink | undefined>;
  save(link: SnapshotLink): Promise<SnapshotLink>;
  drop(specKey: string, snapshotId: string): Promise<boolean>;
  all(): Promise<readonly SnapshotLink[]>;
}

function setUp() {
  const directory = temporaryDirectory();
  const clock = fakeClock();
  const open = () => new SnapshotLinks({ directory, clock, ttlMs: 1000 });
  return { directory, clock, links: open(), open };
}

const link = (specKey: string, snapshotId: string) => ({ specKey, snapshotId, createdAtMs: 1 });

describe('snapshot links', () => {
  it('fit the port of the engine', async () => {
    const port: EnginePort = setUp().links;
    expect(port.durable).toBe(true);
    expect(await port.resolve('none')).toBeUndefined();
  });

  it('keep the first link of a key, in every process', async () => {
    const { links, open } = setUp();
    const other = open();
    const kept = await Promise.all([links.save(link('spec', 'a')), other.save(link('spec', 'b'))]);
    expect(kept[0].snapshotId).toBe(kept[1].snapshotId);
    expect((await other.resolve('spec'))?.snapshotId).toBe(kept[0].snapshotId);
    other.close();
    links.close();
  });

  it('are dropped by exactly one caller, and only the one that was meant', async () => {
    const { links, open } = setUp();
    await links.save(link('spec', 'a'));
    expect(await links.drop('spec', 'other')).toBe(false);
    const drops = await Promise.all([links, open(), open()].map((one) => one.drop('spec', 'a')));
    expect(drops.filter(Boolean)).toHaveLength(1);
    expect(await links.all()).toEqual([]);
  });

  it('are over after their time unless they are renewed', async () => {
    const { links, clock } = setUp();
    await links.save(link('renewed', 'a'));
    await links.save(link('forgotten', 'b'));
    clock.advance(600);
    expect(await links.renew('renewed', 'a')).toBe(true);
    expect(await links.renew('renewed', 'other')).toBe(false);
    clock.advance(600);
    expect(await links.resolve('forgotten')).toBeUndefined();
    expect((await links.resolve('renewed'))?.snapshotId).toBe('a');
    expect((await links.expire()).map(({ snapshotId }) => snapshotId)).toEqual(['b']);
    expect(await links.expire()).toEqual([]);
  });

  it('are dropped when the provider no longer has the snapshot, and kept when it cannot be asked', async () => {
    const { links, clock } = setUp();
    for (const name of ['here', 'gone', 'unknown']) await links.save(link(name, name));
    clock.advance(10);
    const dropped = await links.verify(async (snapshotId) => {
      if (snapshotId === 'unknown') throw new Error('no answer');
      return snapshotId === 'here';
    });
    expect(dropped.map(({ specKey }) => specKey)).toEqual(['gone']);
    expect((await links.resolve('here'))?.verifiedAtMs).toBe(clock.nowMs());
    expect((await links.resolve('unknown'))?.snapshotId).toBe('unknown');
    expect(await links.verify(async () => false, { olderThanMs: 11 })).toEqual([]);
  });

  it('tell where they came from', async () => {
    const { links } = setUp();
    await links.save(link('base', 'a'));
    await links.save({ ...link('app', 'b'), parent: { specKey: 'base', snapshotId: 'a' } });
    expect((await links.ancestry('app')).map(({ specKey }) => specKey)).toEqual(['app', 'base']);
    await links.drop('base', 'a');
    await links.save(link('base', 'c'));
    expect((await links.ancestry('app')).map(({ specKey }) => specKey)).toEqual(['app']);
  });

  it('that cannot be read count as none', async () => {
    const { links, directory } = setUp();
    await links.save(link('spec', 'a'));
    const place = join(directory, 'links-v1', 'links');
    writeFileSync(join(place, readdirSync(place)[0]!), '{"cut');
    expect(await links.resolve('spec')).toBeUndefined();
    expect((await links.save(link('spec', 'b'))).snapshotId).toBe('b');
  });
});
