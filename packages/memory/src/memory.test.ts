import { describe, expect, it } from 'vitest';
import { countedRandomness, ManualClock, settleAll } from '../../../test/memory/manual-clock.js';
import { createMemory } from './adapters/create.js';
import { embeddedStore } from './adapters/embedded-store.js';
import { isMemoryError, type MemoryErrorCode } from './errors.js';
import type { MemorySource } from './source.js';

const alice = { userId: 'alice' };

function coded(code: MemoryErrorCode): (failure: unknown) => boolean {
  return (failure) => isMemoryError(failure) && failure.code === code;
}

/** A source whose lists hang until the test lets them go; everything else is the embedded store. */
function gated(): { source: MemorySource; lists: (() => void)[]; signals: AbortSignal[] } {
  const inner = embeddedStore();
  const lists: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const source: MemorySource = {
    name: 'gated',
    search: (request) => inner.search(request),
    list: async (request) => {
      if (request.signal) signals.push(request.signal);
      await new Promise<void>((resolve) => lists.push(resolve));
      return inner.list(request);
    },
    add: (request) => inner.add(request),
    get: (id, call) => inner.get(id, call),
    update: (request) => inner.update(request),
    delete: (id, call) => inner.delete(id, call),
    deleteAll: (call) => inner.deleteAll(call),
  };
  return { source, lists, signals };
}

describe('a memory', () => {
  it('names every wrong option', () => {
    const options: object = { ttlMs: -1, colour: 'red' };
    expect(() => createMemory(options)).toThrow(/ttlMs[\s\S]*colour/);
  });

  it('redacts credentials before they are stored, and again when they are read', async () => {
    const inner = embeddedStore();
    const written: string[] = [];
    const stored = inner.add.bind(inner);
    inner.add = (request) => {
      written.push(...request.messages.map((message) => message.content));
      return stored(request);
    };
    const memory = createMemory({ source: inner });
    const key = `sk-${'a1B2'.repeat(8)}`;
    await memory.add(`My key is ${key}`, { ...alice, metadata: { note: `uses ${key}`, deep: { list: [key] } } });
    expect(written).toEqual(['My key is [redacted key]']);
    await stored({ scope: alice, messages: [{ role: 'user', content: `older: ${key}` }] });
    const { results } = await memory.getAll(alice);
    const context = await memory.context(alice);
    expect(JSON.stringify([results, context, await memory.injection(alice)])).not.toContain(key);
    expect(results.find((item) => item.metadata)?.metadata).toEqual({
      note: 'uses [redacted key]',
      deep: { list: ['[redacted key]'] },
    });
  });

  it('refuses a memory of 10 MB, and cuts one that a source has', async () => {
    const inner = embeddedStore();
    const memory = createMemory({ source: inner });
    const huge = 'word '.repeat(2_000_000);
    await expect(memory.add(huge, alice)).rejects.toSatisfy(coded('too_large'));
    await inner.add({ scope: alice, messages: [{ role: 'user', content: huge }] });
    const { results } = await memory.getAll(alice);
    expect(results[0]?.memory.length).toBe(20_000);
    const context = await memory.context({ ...alice, tokenBudget: 400 });
    expect(context.items[0]?.memory.length).toBe(500);
    expect(context.tokens).toBeLessThanOrEqual(400);
  });

  it('refuses a memory without visible text, an unknown role and a strange id', async () => {
    const memory = createMemory();
    await expect(memory.add(' \u200B\u202E ', alice)).rejects.toSatisfy(coded('invalid_memory'));
    const tool: never[] = [{ role: 'tool', content: 'x' } as never];
    await expect(memory.add(tool, alice)).rejects.toSatisfy(coded('invalid_option'));
    for (const id of ['', '..', '../x', 'a/b', 'a?b', '*'])
      await expect(memory.get(id, alice)).rejects.toSatisfy(coded('invalid_option'));
    await expect(memory.search('  ', alice)).rejects.toSatisfy(coded('invalid_option'));
  });

  it('is up to date after each write of its own', async () => {
    const memory = createMemory();
    expect((await memory.context(alice)).items).toEqual([]);
    const { results } = await memory.add('likes tea', alice);
    expect((await memory.context(alice)).items.map((item) => item.memory)).toEqual(['likes tea']);
    await memory.update(results[0]!.id, { ...alice, text: 'likes coffee' });
    expect((await memory.context(alice)).items.map((item) => item.memory)).toEqual(['likes coffee']);
    await memory.deleteAll(alice);
    expect((await memory.context(alice)).items).toEqual([]);
    expect((await memory.context(alice)).status).toBe('cached');
  });

  it('gives a prompt inside the budget, with a delimiter that differs each time', async () => {
    const memory = createMemory({ randomness: countedRandomness() });
    for (let index = 0; index < 60; index += 1)
      await memory.add(`The user told fact number ${index} about life`, alice);
    const first = await memory.context({ ...alice, tokenBudget: 300, query: 'fact number 7' });
    const second = await memory.context({ ...alice, tokenBudget: 300, query: 'fact number 7' });
    expect(first.items.some((item) => item.memory.includes('number 7 '))).toBe(true);
    expect(Math.ceil(Buffer.byteLength(first.prompt.text) / 3.5)).toBeLessThanOrEqual(300);
    expect(first.omitted + first.items.length).toBe(60);
    expect(first.prompt.block).not.toBe(second.prompt.block);
    expect(first.items).toEqual(second.items);
  });

  it('fails open within its deadline, and never blocks', async () => {
    const clock = new ManualClock();
    const { source, lists, signals } = gated();
    const memory = createMemory({ source, clock });
    const context = memory.context(alice);
    await settleAll();
    await clock.advance(800);
    expect(await context).toMatchObject({ status: 'timeout', items: [], failure: { code: 'timeout' } });
    await clock.advance(1_200);
    expect(signals[0]?.aborted).toBe(true);
    lists[0]?.();
    await settleAll();
    expect(clock.sleeping).toBe(0);
  });

  it('prefetched while a sandbox warms, it answers without a question', async () => {
    const clock = new ManualClock();
    const { source, lists } = gated();
    const memory = createMemory({ source, clock });
    const warming = memory.prefetch(alice);
    await settleAll();
    lists[0]?.();
    await warming;
    expect((await memory.context(alice)).status).toBe('cached');
    expect(lists).toHaveLength(1);
  });

  it('asks the source itself when a user has more memories than a snapshot holds', async () => {
    const memory = createMemory({ snapshotItems: 10 });
    await memory.add('is allergic to peanuts', alice);
    for (let index = 0; index < 30; index += 1) await memory.add(`talked about the weather on day ${index}`, alice);
    const context = await memory.context({ ...alice, query: 'any allergies?', maxItems: 3 });
    expect(context.items.map((item) => item.memory)).toContain('is allergic to peanuts');
  });

  it('rejects a call whose caller has left, with no timer left', async () => {
    const clock = new ManualClock();
    const { source } = gated();
    const memory = createMemory({ source, clock });
    const caller = new AbortController();
    const reading = memory.getAll({ ...alice, signal: caller.signal });
    await settleAll();
    caller.abort();
    await expect(reading).rejects.toSatisfy(coded('aborted'));
    expect(clock.sleeping).toBe(0);
  });

  it('says so when a source has no histories or events', async () => {
    const { source, lists } = gated();
    const memory = createMemory({ source });
    const { results } = await memory.add('x', alice);
    await expect(memory.history(results[0]!.id, alice)).rejects.toSatisfy(coded('unsupported'));
    await expect(memory.waitForEvent('event-1')).rejects.toSatisfy(coded('unsupported'));
    expect(lists).toEqual([]);
  });
});
