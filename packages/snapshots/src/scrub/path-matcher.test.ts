import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { PathMatcher } from './path-matcher.js';
import { defaultScrubRules } from './rules.js';

/** What the patterns mean, said with one expression for each. */
function matches(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) =>
    picomatch.makeRe(pattern.includes('/') ? pattern : `**/${pattern}`, { dot: true }).test(path),
  );
}

describe('path patterns', () => {
  it('match as each of them does by itself, at any depth', () => {
    const patterns = [
      ...defaultScrubRules.drop,
      ...defaultScrubRules.redact.flatMap(({ paths }) => paths),
      'src/*.key',
      'a/{b,c}',
      '**/secret/**',
    ];
    const name = fc.constantFrom(
      ...patterns.flatMap((pattern) => pattern.split('/')),
      '.env.local',
      'id_rsa',
      'x.ppk',
      '.bash_history',
      'requirements-dev.txt',
      'a',
      'b',
      'src',
      'x.key',
      'secret',
      'main.js',
    );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const path = names.join('/');
        expect([path, new PathMatcher(patterns).test(path)]).toEqual([path, matches(patterns, path)]);
      }),
      { numRuns: 500 },
    );
  });

  it('match nothing when there are none', () => {
    expect(new PathMatcher([]).test('.env')).toBe(false);
  });
});
