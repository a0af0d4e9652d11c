import { describe, expect, it } from 'vitest';
import { evaluable } from './javascript-source.js';

describe('imports of evaluated JavaScript', () => {
  it.each([
    ["import 'a'", "await __pilotlight_import__('a')"],
    ["import a from 'm'", "const { default: a } = await __pilotlight_import__('m')"],
    ["import { a, b as c } from 'm'", "const { a, b: c } = await __pilotlight_import__('m')"],
    ["import d, { a } from 'm'", "const { default: d, a } = await __pilotlight_import__('m')"],
    ["import * as n from 'm'", "const n = await __pilotlight_import__('m')"],
    ["import d, * as n from 'm'", "const n = await __pilotlight_import__('m'), { default: d } = n"],
    ["await import('m')", "await __pilotlight_import__('m')"],
    ["const text = 'import a from b'", "const text = 'import a from b'"],
  ])('%s', async (code, expected) => {
    expect(await evaluable(code, false)).toBe(expected);
  });

  it('keeps lines where they are and leaves alone what cannot be read', async () => {
    const code = "import {\n  a,\n} from 'm'\nfail()";
    expect((await evaluable(code, false)).split('\n')).toHaveLength(4);
    expect(await evaluable("import { from 'm", false)).toBe("import { from 'm");
    expect(await evaluable('const a: = 1', true)).toBe('const a: = 1');
  });
});
