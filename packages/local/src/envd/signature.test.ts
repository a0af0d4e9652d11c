import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sign, tokensEqual, verify } from './signature.js';

const parts = { path: 'a.txt', operation: 'read' as const, username: '', expiration: undefined };

describe('signed links', () => {
  it('are valid for the token, path, user and operation they were made for, and no other', () => {
    const signature = sign(parts, 'token');
    expect(signature).toMatch(/^v1_[A-Za-z0-9+/]{43}$/);
    expect(verify({ ...parts, signature }, 'token', 0)).toBe('valid');
    expect(verify({ ...parts, signature }, 'other', 0)).toBe('invalid');
    expect(verify({ ...parts, path: 'b.txt', signature }, 'token', 0)).toBe('invalid');
    expect(verify({ ...parts, operation: 'write', signature }, 'token', 0)).toBe('invalid');
    expect(verify({ ...parts, username: 'root', signature }, 'token', 0)).toBe('invalid');
    expect(verify({ ...parts, signature: undefined }, 'token', 0)).toBe('missing');
  });

  it('are called expired only when they are genuine', () => {
    const expiring = { ...parts, expiration: '100' };
    const signature = sign(expiring, 'token');
    expect(verify({ ...expiring, signature }, 'token', 100_000)).toBe('valid');
    expect(verify({ ...expiring, signature }, 'token', 100_001)).toBe('expired');
    expect(verify({ ...expiring, expiration: '999', signature }, 'token', 0)).toBe('invalid');
  });

  it('cannot be guessed by any text', () => {
    fc.assert(
      fc.property(fc.string(), (signature) => {
        expect(verify({ ...parts, signature }, 'token', 0)).toBe('invalid');
        expect(tokensEqual(signature, 'token')).toBe(signature === 'token');
      }),
    );
  });
});
