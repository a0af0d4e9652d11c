import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../sandbox/api-error.js';
import { decodeMetadata, pageOf } from './listing.js';

const compare = (left: [number, string], right: [number, string]) =>
  left[0] - right[0] || (left[1] < right[1] ? -1 : left[1] > right[1] ? 1 : 0);

describe('listing', () => {
  it('reads metadata that was encoded as the SDK does, whatever it holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (metadata) => {
        const encoded = Object.entries(metadata).map(([key, value]) => [
          encodeURIComponent(key),
          encodeURIComponent(value),
        ]);
        expect(decodeMetadata(new URLSearchParams(encoded as [string, string][]).toString())).toEqual(
          Object.entries(metadata),
        );
      }),
    );
    expect(() => decodeMetadata('a=%25')).toThrow(ApiError);
  });

  it('gives every item once over all pages', () => {
    const items = Array.from(
      { length: 23 },
      (_, index) => [Math.floor(index / 3), `id${index}`] as [number, string],
    ).sort(compare);
    const seen: [number, string][] = [];
    let token: string | undefined;
    do {
      const page = pageOf(items, 5, token, (item) => item, compare);
      seen.push(...page.items);
      token = page.nextToken;
    } while (token !== undefined);
    expect(seen).toEqual(items);
  });

  it('refuses a token it did not give out', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (token) => {
        try {
          pageOf([], 5, token, () => [0, ''], compare);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });
});
