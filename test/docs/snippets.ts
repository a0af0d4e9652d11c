import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { marked, type Tokens } from 'marked';
import { globSync } from 'tinyglobby';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Snippet {
  /** Document and place in it, for example `README.md#2`. */
  name: string;
  language: string;
  code: string;
}

/** Every document a user reads. */
export function documents(): string[] {
  return globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/README.md'], {
    cwd: root,
    ignore: ['**/node_modules/**', 'docs/api/**'],
  }).toSorted();
}

/** Every fenced block of every document a user reads. */
export function snippets(): Snippet[] {
  return documents().flatMap((document) => {
    const blocks = marked
      .lexer(readFileSync(`${root}${document}`, 'utf8'))
      .filter((token): token is Tokens.Code => token.type === 'code');
    return blocks.map((block, index) => ({
      name: `${document}#${index + 1}`,
      language: (block.lang ?? '').split(' ')[0] ?? '',
      code: block.text,
    }));
  });
}
