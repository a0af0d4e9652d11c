import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type MarkedToken, marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { documents, root } from './snippets.js';

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };

/** Every token of a document, those inside others too. */
function tokensOf(path: string): MarkedToken[] {
  const found: MarkedToken[] = [];
  void marked.walkTokens(marked.lexer(readFileSync(`${root}${path}`, 'utf8')), (token) => {
    found.push(token as MarkedToken);
  });
  return found;
}

/** What GitHub makes of a heading. */
function anchorsOf(path: string): string[] {
  return tokensOf(path)
    .filter((token) => token.type === 'heading')
    .map(({ text }) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
}

/** True when a link of `document` leads somewhere in this repository; links to elsewhere are not followed. */
function leads(document: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : join(dirname(document), path);
  if (!existsSync(`${root}${target}`)) return false;
  return anchor === undefined || anchorsOf(target).includes(anchor);
}

describe.each([...documents(), 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/METHODOLOGY.md'])('%s', (document) => {
  const tokens = tokensOf(document);

  it('links to what is there', () => {
    const links = tokens.flatMap((token) => (token.type === 'link' ? [token.href] : []));
    expect(links.filter((link) => !leads(document, link))).toEqual([]);
  });

  it('cites tests, folders and commands that are there', () => {
    const cited = tokens.flatMap((token) => (token.type === 'codespan' || token.type === 'code' ? [token.text] : []));
    // What a command makes is not in a fresh checkout.
    const paths = cited.filter(
      (text) => text !== 'docs/api' && /^(bench|deploy|docs|examples|packages|scripts|test)\/[\w./-]+$/.test(text),
    );
    expect(paths.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
    const commands = cited.flatMap((text) =>
      [...text.matchAll(/\bnpm run (?:-s )?([\w:-]+\w)/g)].map(([, name = '']) => name),
    );
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
  });
});
