import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issueToken, maySee, requireScope, TokenBook } from './tokens.js';

const { token, record } = issueToken({ tenant: 'acme', scopes: ['claims'], expiresAtMs: 1_000 }, randomBytes);
const book = new TokenBook([record]);

describe('a token', () => {
  it('is kept as a hash that does not hold it', () => {
    expect(JSON.stringify(record)).not.toContain(token);
    expect(record.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('tells whose it is, until it expires', () => {
    expect(book.authenticate(token, 999)).toMatchObject({ tenant: 'acme', tokenId: record.id });
    expect(() => book.authenticate(token, 1_000)).toThrow('has expired');
  });

  it('is refused in the same words whether its id or its secret is wrong', () => {
    const say = (text: string): string => {
      try {
        book.authenticate(text, 0);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const wrongSecret = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const wrongId = token.replace(record.id, 'f'.repeat(16));
    expect(say(wrongSecret)).toBe(say(wrongId));
    expect(say('nonsense')).toBe(say(wrongId));
  });

  it('may do what its scopes say, and an operator everything', () => {
    const principal = book.authenticate(token, 0);
    expect(() => requireScope(principal, 'claims')).not.toThrow();
    expect(() => requireScope(principal, 'terminal')).toThrow('"terminal"');
    expect(maySee(principal, 'globex')).toBe(false);
    expect(maySee({ ...principal, scopes: new Set(['operator']) }, 'globex')).toBe(true);
  });
});
