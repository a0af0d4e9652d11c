import { createMemory, isMemoryError, type Memory } from '@pilotlight/memory';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenSource, sourceCases } from './sources.js';

const alice = { userId: 'alice' };
const bob = { userId: 'bob' };
const how = { infer: false };

describe.each(sourceCases.filter(({ leaky }) => !leaky))('the source: $name', ({ open }) => {
  let opened: OpenSource;
  let memory: Memory;

  async function start(): Promise<void> {
    opened = await open();
    memory = createMemory({ source: opened.source });
  }

  afterEach(async () => {
    await memory.close();
    await opened.close();
  });

  it('stores, finds, reads, changes, tells the history and deletes', async () => {
    await start();
    const said = await memory.add('Prefers TypeScript with pnpm', { ...alice, ...how, metadata: { topic: 'tools' } });
    expect(said.status).toBe('SUCCEEDED');
    await memory.add('Allergic to peanuts', { ...alice, ...how });
    const { results } = await memory.search('peanuts', { ...alice, topK: 1 });
    expect(results).toMatchObject([{ memory: 'Allergic to peanuts', userId: 'alice' }]);
    const id = said.results[0]!.id;
    expect(await memory.get(id, alice)).toMatchObject({ id, userId: 'alice', metadata: { topic: 'tools' } });
    expect(
      (await memory.search('pnpm', { ...alice, filters: { topic: 'tools' } })).results.map((row) => row.id),
    ).toEqual([id]);
    expect(await memory.update(id, { ...alice, text: 'Prefers Rust' })).toMatchObject({ id, memory: 'Prefers Rust' });
    expect(await memory.history(id, alice)).toMatchObject([
      { event: 'ADD', newMemory: 'Prefers TypeScript with pnpm' },
      { event: 'UPDATE', newMemory: 'Prefers Rust' },
    ]);
    await memory.delete(id, alice);
    await expect(memory.get(id, alice)).rejects.toSatisfy(
      (failure) => isMemoryError(failure) && failure.code === 'not_found',
    );
    expect((await memory.getAll(alice)).results.map((row) => row.memory)).toEqual(['Allergic to peanuts']);
  });

  it('gives a context and keeps users apart', async () => {
    await start();
    await memory.add('Lives in Bern', { ...alice, ...how });
    await memory.add('Lives in Oslo', { ...bob, ...how });
    const context = await memory.context({ ...alice, query: 'where do I live?' });
    expect(context).toMatchObject({ status: 'fresh', items: [{ memory: 'Lives in Bern' }] });
    await memory.deleteAll(alice);
    expect((await memory.getAll(alice)).results).toEqual([]);
    expect((await memory.getAll(bob)).results).toHaveLength(1);
  });

  it('pages, and deletes for an agent without touching the rows of its users', async () => {
    await start();
    for (const city of ['Rome', 'Lima', 'Cairo']) await memory.add(`Has been to ${city}`, { ...alice, ...how });
    const first = await memory.getAll({ ...alice, pageSize: 2 });
    const second = await memory.getAll({ ...alice, pageSize: 2, page: 2 });
    expect([first.results.length, first.more, second.results.length, second.more]).toEqual([2, true, 1, false]);
    await memory.add('Knows the return policy', { agentId: 'shop', ...how });
    await memory.add('Wants a refund', { ...alice, agentId: 'shop', ...how });
    await memory.deleteAll({ agentId: 'shop' });
    expect((await memory.getAll({ agentId: 'shop' })).results).toEqual([]);
    expect((await memory.getAll({ ...alice, agentId: 'shop' })).results).toHaveLength(1);
  });
});

it('a background extraction can be waited for', async () => {
  const platform = sourceCases.find((entry) => entry.name === 'mem0 platform')!;
  const opened = await platform.open();
  const memory = createMemory({ source: opened.source });
  const added = await memory.add('Likes tea', alice);
  expect(added).toMatchObject({ status: 'PENDING', results: [] });
  expect(await memory.waitForEvent(added.eventId!)).toMatchObject({ status: 'SUCCEEDED' });
  expect((await memory.context(alice)).items).toHaveLength(1);
  await opened.close();
});
