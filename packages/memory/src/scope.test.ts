import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMemoryError } from './errors.js';
import { filtersOf, owns, scopeKey, scopeOf } from './scope.js';

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (failure) {
    return isMemoryError(failure) ? failure.code : 'other';
  }
}

describe('a scope', () => {
  it.each([
    ['a wildcard', { userId: '*' }],
    ['an empty id', { userId: '' }],
    ['a blank id', { userId: '  ' }],
    ['an object as id', { userId: { $ne: 'x' } }],
    ['an operator as id', { userId: { in: ['a', 'b'] } }],
    ['an array as id', { userId: ['a'] }],
    ['a number as id', { userId: 7 }],
    ['null', null],
    ['nothing', undefined],
    ['no id at all', {}],
    ['an id with a path', { userId: '../bob' }],
    ['an id with a query', { userId: 'a?user_id=b' }],
    ['an id with a line feed', { userId: 'a\nb' }],
    ['an id of 300 characters', { userId: 'a'.repeat(300) }],
    ['a good id beside a bad one', { userId: 'alice', agentId: '*' }],
    ['an inherited id', Object.create({ userId: 'bob' })],
  ])('refuses %s', (_name, given) => {
    expect(codeOf(() => scopeOf(given))).toBe('invalid_scope');
  });

  it('takes the ids that sign-in services give', () => {
    for (const userId of ['u-1', 'auth0|64f', 'maria+test@example.org', 'user_2xYz', 'Zoë', '用户']) {
      expect(scopeOf({ userId })).toEqual({ userId: userId.normalize('NFC') });
    }
  });

  it('is frozen and shares nothing with what the caller gave', () => {
    const given = { userId: 'alice', filters: { user_id: 'bob' } };
    const scope = scopeOf(given);
    given.userId = 'bob';
    expect(scope).toEqual({ userId: 'alice' });
    expect(Object.isFrozen(scope)).toBe(true);
  });

  it('owns only rows that prove it', () => {
    const row = { id: '1', memory: 'x' };
    expect(owns({ userId: 'alice' }, { ...row, userId: 'alice' })).toBe(true);
    expect(owns({ userId: 'alice' }, { ...row, userId: 'bob' })).toBe(false);
    expect(owns({ userId: 'alice' }, row)).toBe(false);
    expect(owns({ agentId: 'a' }, { ...row, agentId: 'a', userId: 'bob' })).toBe(false);
    expect(owns({ userId: 'alice', runId: 'r' }, { ...row, userId: 'alice' })).toBe(false);
  });

  it('has a key that no other scope has', () => {
    const id = fc.stringMatching(/^[a-z|:]{1,4}$/);
    const scope = fc.record({ userId: id, agentId: id, appId: id, runId: id }, { requiredKeys: ['userId'] });
    fc.assert(
      fc.property(scope, scope, (left, right) => {
        const same = JSON.stringify(scopeOf(left)) === JSON.stringify(scopeOf(right));
        expect(scopeKey(scopeOf(left)) === scopeKey(scopeOf(right))).toBe(same);
      }),
    );
  });
});

describe('filters', () => {
  it.each([
    ['an id', { user_id: 'bob' }],
    ['an id in camel case', { userId: 'bob' }],
    ['a logical operator', { AND: [{ user_id: 'bob' }] }],
    ['an operator in lower case', { or: 'x' }],
    ['a nested value', { topic: { ne: 'x' } }],
    ['a wildcard', { topic: '*' }],
    ['an array', ['x']],
    ['a prototype', JSON.parse('{"__proto__": "x"}')],
  ])('refuse %s', (_name, given) => {
    expect(codeOf(() => filtersOf(given))).toBe('invalid_option');
  });

  it('are copied', () => {
    const given = { topic: 'food' };
    const filters = filtersOf(given);
    given.topic = 'other';
    expect(filters).toEqual({ topic: 'food' });
  });
});
