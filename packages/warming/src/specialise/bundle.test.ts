import { describe, expect, it } from 'vitest';
import { chooseBundles } from './bundle.js';

const candidate = (runtime: string, claimsPerHour: number, mebibytes: number, template = 'base') => ({
  runtime,
  template,
  claimsPerHour,
  savedSeconds: 10,
  mebibytes,
});

describe('what a generic template carries', () => {
  it('is what saves most for its size, as far as there is room, with a reason for each', () => {
    const [decision] = chooseBundles(
      [candidate('big', 10, 900), candidate('small', 10, 100), candidate('rare', 0.01, 1)],
      { room: 500 },
    );
    expect(decision?.bundled).toEqual(['small']);
    const reasons = decision?.reasons.join('\n');
    expect(reasons).toMatch(/^small: .*bundled$/m);
    expect(reasons).toMatch(/^big: .*only 400 MiB of room left$/m);
    expect(reasons).toMatch(/^rare: .*too rarely asked for$/m);
    expect(decision?.reasons).toHaveLength(3);
  });

  it('is decided for each template on its own', () => {
    const decisions = chooseBundles([candidate('a', 1, 1, 'one'), candidate('b', 1, 1, 'two')]);
    expect(decisions.map(({ template, bundled }) => [template, bundled])).toEqual([
      ['one', ['a']],
      ['two', ['b']],
    ]);
  });
});
