import { readFileSync } from 'node:fs';
import { globSync } from 'tinyglobby';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './snippets.js';

/** Every code of every error union in the packages, from the sources themselves. */
function codes(): { code: string; from: string }[] {
  return globSync('packages/*/src/**/errors.ts', { cwd: root, ignore: '**/*.test.ts' }).flatMap((path) => {
    const text = readFileSync(`${root}${path}`, 'utf8');
    if (!/type \w+ErrorCode\b/.test(text)) return [];
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
    return source.statements.flatMap((statement) =>
      ts.isTypeAliasDeclaration(statement) && statement.name.text.endsWith('ErrorCode')
        ? literalsOf(statement.type).map((code) => ({ code, from: `${path}: ${statement.name.text}` }))
        : [],
    );
  });
}

function literalsOf(type: ts.TypeNode): string[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(literalsOf);
  return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [];
}

describe('docs/errors.md', () => {
  const anchors = new Set(
    [...readFileSync(`${root}docs/errors.md`, 'utf8').matchAll(/^#{2,3} ([a-z_]+)$/gm)].map((match) => match[1]),
  );

  it('has an anchor for every code that a package can throw', () => {
    const all = codes();
    expect(all.length).toBeGreaterThan(15);
    expect(all.filter(({ code }) => !anchors.has(code))).toEqual([]);
  });
});
