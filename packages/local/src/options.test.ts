import { describe, expect, it } from 'vitest';
import { isLocalHostError } from './errors.js';
import { parseOptions } from './options.js';

describe('options', () => {
  it('have a default each, and a new key each time', () => {
    const first = parseOptions({});
    expect(first).toMatchObject({ port: 0, isolation: 'auto', processLimit: 1024 });
    expect(parseOptions({}).apiKey).not.toBe(first.apiKey);
  });

  it('are refused with every wrong name and the value given', () => {
    const wrong = { port: 70_000, isolation: 'vm', prot: 1 };
    let error: unknown;
    try {
      parseOptions(wrong as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(isLocalHostError(error) && error.code).toBe('invalid_option');
    expect((error as Error).message).toMatch(/port.*70000[\s\S]*isolation.*"vm"[\s\S]*prot/);
  });
});
