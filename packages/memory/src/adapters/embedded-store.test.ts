import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countedRandomness, ManualClock } from '../../../../test/memory/manual-clock.js';
import { isMemoryError } from '../errors.js';
import { createMemory } from './create.js';

let folder: string;
let path: string;
const alice = { userId: 'alice' };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotlight-memory-'));
  path = join(folder, 'deep', 'memory.jsonl');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the embedded store', () => {
  it('finds what was said, best first, and forgets nothing when it is opened again', async () => {
    const first = createMemory({ path });
    await first.add('I am allergic to peanuts', alice);
    await first.add('I prefer TypeScript and pnpm', alice);
    await first.close();
    const second = createMemory({ path });
    const { results } = await second.search('which allergies do I have?', alice);
    expect(results[0]).toMatchObject({ memory: 'I am allergic to peanuts', userId: 'alice' });
    expect((await second.getAll(alice)).count).toBe(2);
  });

  it('shares its file with other processes: both see both, whoever writes', async () => {
    const one = createMemory({ path });
    const other = createMemory({ path });
    await Promise.all([
      ...Array.from({ length: 10 }, (_unused, index) => one.add(`one says ${index}`, alice)),
      ...Array.from({ length: 10 }, (_unused, index) => other.add(`other says ${index}`, alice)),
    ]);
    expect((await one.getAll(alice)).count).toBe(20);
    expect((await other.getAll(alice)).count).toBe(20);
    await one.deleteAll(alice);
    expect((await other.getAll(alice)).count).toBe(0);
  });

  it('loses only the torn line of a crashed writer', async () => {
    const before = createMemory({ path });
    await before.add('kept', alice);
    await appendFile(path, '{"op":"add","item":{"id":"torn","mem');
    const after = createMemory({ path });
    await after.add('also kept', alice);
    const again = createMemory({ path });
    expect((await again.getAll(alice)).results.map((item) => item.memory).sort()).toEqual(['also kept', 'kept']);
  });

  it('reads a damaged line as nothing and keeps the others', async () => {
    const memory = createMemory({ path });
    await memory.add('kept', alice);
    await appendFile(path, 'not json\n{"op":"unknown"}\n[1]\n');
    expect((await createMemory({ path }).getAll(alice)).count).toBe(1);
  });

  it('keeps its file from other users of the machine, and erases what is forgotten from it', async () => {
    const memory = createMemory({ path });
    await memory.add('the wedding is in Lisbon', alice);
    await memory.add('bob stays', { userId: 'bob' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await memory.deleteAll(alice);
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain('Lisbon');
    expect(text).toContain('bob stays');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('stays small however often a memory changes', async () => {
    const memory = createMemory({ path });
    const { results } = await memory.add('counter 0', alice);
    const id = results[0]!.id;
    for (let count = 1; count <= 300; count += 1) await memory.update(id, { ...alice, text: `counter ${count}` });
    expect((await memory.history(id, alice)).length).toBe(301);
    expect((await readFile(path, 'utf8')).split('\n').length).toBeLessThan(300);
  });

  it('keeps one row of a fact that is said again, as new as the last time', async () => {
    const clock = new ManualClock();
    const memory = createMemory({ clock, randomness: countedRandomness() });
    await memory.add('I like tea', alice);
    await clock.advance(86_400_000);
    await memory.add('I like tea', alice);
    await memory.add('I like tea', { ...alice, runId: 'r' });
    const { results } = await memory.getAll(alice);
    expect(results.map((item) => item.updatedAt?.slice(0, 10))).toEqual(['2026-01-03', '2026-01-03']);
    expect(results.filter((item) => item.runId === undefined)).toHaveLength(1);
  });

  it('hides a memory after its last day', async () => {
    const clock = new ManualClock();
    const memory = createMemory({ clock });
    await memory.add('is in Rome', { ...alice, expirationDate: '2026-01-02' });
    expect((await memory.getAll(alice)).count).toBe(1);
    await clock.advance(86_400_000);
    expect((await memory.getAll(alice)).count).toBe(0);
    expect((await memory.search('Rome', alice)).results).toEqual([]);
  });

  it('tells the history of a memory, filters by metadata and pages', async () => {
    const memory = createMemory();
    const { results } = await memory.add('likes tea', { ...alice, metadata: { topic: 'drinks', user_id: 'bob' } });
    const id = results[0]!.id;
    await memory.update(id, { ...alice, text: 'likes coffee' });
    expect(await memory.history(id, alice)).toMatchObject([
      { event: 'ADD', newMemory: 'likes tea' },
      { event: 'UPDATE', oldMemory: 'likes tea', newMemory: 'likes coffee' },
    ]);
    await memory.add('likes coffee beans in the morning', alice);
    expect(
      (await memory.search('coffee', { ...alice, filters: { topic: 'drinks' } })).results.map((item) => item.id),
    ).toEqual([id]);
    expect((await memory.get(id, alice)).metadata).toEqual({ topic: 'drinks' });
    const page = await memory.getAll({ ...alice, page: 2, pageSize: 1 });
    expect(page).toMatchObject({ count: 2, more: false });
    expect(page.results).toHaveLength(1);
    await memory.delete(id, alice);
    await expect(memory.get(id, alice)).rejects.toSatisfy(
      (failure) => isMemoryError(failure) && failure.code === 'not_found',
    );
  });

  it('says so when its file cannot be used, or it was closed', async () => {
    await appendFile(join(folder, 'file'), 'not a folder');
    const memory = createMemory({ path: join(folder, 'file', 'memory.jsonl') });
    await expect(memory.add('x', alice)).rejects.toSatisfy(
      (failure) => isMemoryError(failure) && failure.code === 'store_failed',
    );
    const closed = createMemory({ path });
    await closed.close();
    await expect(closed.getAll(alice)).rejects.toSatisfy(
      (failure) => isMemoryError(failure) && failure.code === 'closed',
    );
  });
});
