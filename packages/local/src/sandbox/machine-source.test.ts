import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IsolationLevel, MachineSpec } from '../isolation/machine.js';
import { ProcessFactory } from '../isolation/process-factory.js';
import { LayerStore, makeInstanceLayout } from '../storage/layers.js';
import { MachineSource } from './machine-source.js';

/** Machines that are directories, as far as a source of machines can tell, in namespaces. */
class RecordingFactory extends ProcessFactory {
  override readonly level: IsolationLevel = 'namespaces';
  readonly made: MachineSpec[] = [];
  readonly hurried: string[] = [];

  override async create(spec: MachineSpec) {
    this.made.push(spec);
    return super.create(spec);
  }

  override hurry(id: string): void {
    this.hurried.push(id);
  }
}

describe('machines made ahead', () => {
  let directory: string;
  let factory: RecordingFactory;
  let source: MachineSource;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pl-source-'));
    makeInstanceLayout(directory, false, 0);
    factory = new RecordingFactory(directory);
    for (const layer of ['one', 'two', 'three']) {
      mkdirSync(join(directory, 'layers', layer, 'root'), { recursive: true });
    }
    const layers = new LayerStore(directory, factory);
    layers.retain(['one', 'two', 'three']);
    source = new MachineSource(factory, layers);
  });
  afterEach(async () => {
    await source.close();
    await factory.close();
    rmSync(directory, { recursive: true });
  });

  const sandboxes = () => readdirSync(join(directory, 'sandboxes'));

  it('are given to the next sandbox over the same layers, with their id, and hurry then', async () => {
    source.prepare(['base']);
    source.prepare(['base']);
    const { id } = await source.create(['base'], []);
    expect(factory.made).toMatchObject([{ id, ahead: true, layers: ['base'] }]);
    expect(factory.hurried).toEqual([id]);
  });

  it('are given to one sandbox only, and to none with other layers or with volumes', async () => {
    source.prepare(['base']);
    const [ahead] = factory.made;
    const volume = { source: 'volumes/v', target: '/mnt/v' };
    const started = await Promise.all([
      source.create(['one', 'base'], []),
      source.create(['base'], [volume]),
      source.create(['base'], []),
      source.create(['base'], []),
    ]);
    const ids = started.map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    expect(ids.indexOf(ahead?.id ?? '')).toBe(2);
  });

  it('are two over layers that were asked for again', async () => {
    source.prepare(['base']);
    source.prepare(['one']);
    await source.create(['base'], []);
    source.prepare(['base']);
    source.prepare(['one']);
    const overBase = () => factory.made.filter(({ layers }) => layers[0] === 'base').length;
    expect(overBase()).toBe(3);
    source.prepare(['base']);
    expect(overBase()).toBe(3);
  });

  it('are three at most, and those nobody asked for end with their files', async () => {
    for (const layers of [['base'], ['one'], ['two'], ['three']]) {
      source.prepare(layers);
    }
    const { id: late } = await source.create(['base'], []);
    expect(factory.made.filter((spec) => spec.id === late)).toMatchObject([{ layers: ['base'] }]);
    expect(factory.made.find((spec) => spec.id === late)?.ahead).toBeUndefined();
    const { id } = await source.create(['three'], []);
    expect(factory.made.filter((spec) => spec.id === id)).toMatchObject([{ ahead: true }]);
    await source.close();
    expect(sandboxes().sort()).toEqual([id, late].sort());
  });

  it('are not made any more once the host closes', async () => {
    await source.close();
    source.prepare(['base']);
    expect(factory.made).toEqual([]);
  });
});
