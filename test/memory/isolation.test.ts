import { createMemory, isMemoryError, type Memory } from '@pilotlight/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceCases } from './sources.js';

const alice = { userId: 'alice' };
const bob = { userId: 'bob' };
const marker = 'zanzibar';
const how = { infer: false };

/** One attempt to read or change what is bob's. */
type Attempt = (memory: Memory, bobsId: string) => Promise<unknown>;

// Everything a careless or hostile caller might pass as scope; none of them is the plain id of bob.
const scope = fc.oneof(
  { arbitrary: fc.constant<object>(alice), weight: 4 },
  fc.constantFrom<object>(
    { userId: '*' },
    { userId: '' },
    { userId: { eq: 'bob' } },
    { userId: ['bob'] },
    { userId: 'alice', AND: [{ user_id: 'bob' }] },
    { userId: 'alice', OR: [{ user_id: 'bob' }], NOT: [] },
    { userId: 'alice', user_id: 'bob' },
    { userId: 'alice', filters: { user_id: 'bob' } },
    { userId: 'alice', filters: { OR: [{ user_id: 'bob' }] } },
    { userId: 'alice', filters: { user_id: '*' } },
    { user_id: 'bob' },
    { agentId: '*' },
    { agentId: 'shop' },
    { runId: 'r1' },
    { userId: 'bob\u0000' },
    { userId: 'bob/../alice' },
    { userId: 'alice&user_id=bob' },
    JSON.parse('{"userId":"alice","__proto__":{"userId":"bob"}}') as object,
  ),
);
const query = fc.oneof(
  fc.constantFrom(marker, 'where is the treasure?', '*', '" OR 1=1 --', '%'),
  fc.string({ maxLength: 30 }),
);

const attempt: fc.Arbitrary<Attempt> = fc
  .tuple(
    scope,
    query,
    fc.constantFrom(
      'search',
      'getAll',
      'get',
      'update',
      'delete',
      'deleteAll',
      'history',
      'context',
      'injection',
      'prefetch',
      'add',
    ),
  )
  .map(([given, text, method]): Attempt => {
    // The types refuse most of this; a caller in JavaScript is not stopped by types.
    const hostile = given as { userId: string };
    return async (memory, bobsId) => {
      switch (method) {
        case 'search':
          return memory.search(text, hostile);
        case 'getAll':
          return memory.getAll(hostile);
        case 'get':
          return memory.get(bobsId, hostile);
        case 'update':
          return memory.update(bobsId, { ...hostile, text: 'taken over', metadata: { user_id: 'alice' } });
        case 'delete':
          return memory.delete(bobsId, hostile);
        case 'deleteAll':
          return memory.deleteAll(hostile);
        case 'history':
          return memory.history(bobsId, hostile);
        case 'context':
          return memory.context({ ...hostile, query: text });
        case 'injection':
          return memory.injection({ ...hostile, query: text });
        case 'prefetch':
          return memory.prefetch(hostile);
        default:
          return memory.add('a note of mine', { ...hostile, ...how, metadata: { user_id: 'bob', userId: 'bob' } });
      }
    };
  });

describe.each(sourceCases)('through the source: $name', ({ open }) => {
  it('nobody reads or changes the memory of another user, whatever the method and its arguments', async () => {
    const opened = await open();
    const memory = createMemory({ source: opened.source });
    await memory.add(`The treasure is in ${marker}`, { ...bob, ...how, agentId: 'shop', runId: 'r1' });
    const bobs = await memory.getAll(bob);
    const bobsId = bobs.results[0]!.id;
    const reached = new Set<string>();
    await fc.assert(
      fc.asyncProperty(attempt, async (attack) => {
        const seen = await attack(memory, bobsId).catch((failure: unknown) => {
          expect(isMemoryError(failure)).toBe(true);
          const { code, message } = failure as { code: string; message: string };
          reached.add(code);
          return { code, message };
        });
        expect(JSON.stringify(seen ?? null)).not.toContain(marker);
      }),
      { numRuns: 120 },
    );
    // The attacks did get past the front door and were stopped by the check of owners, too.
    expect(reached).toContain('invalid_scope');
    expect(reached).toContain('not_found');
    expect((await memory.getAll(bob)).results).toEqual(bobs.results);
    await memory.close();
    await opened.close();
  });
});
