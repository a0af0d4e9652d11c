import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../.changeset/', import.meta.url);
const packages = new URL('../../packages/', import.meta.url);
const names = readdirSync(packages).map(
  (name) => JSON.parse(readFileSync(new URL(`${name}/package.json`, packages), 'utf8')).name as string,
);
const changesets = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');

describe('a changeset', () => {
  it.each(changesets)('%s names packages there are, the kind of version, and what to do', (file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const [, head, summary] = /^---\n((?:['"].+\n)+)---\n\n(\S[\s\S]+)$/.exec(text) ?? [];
    expect(summary).toBeDefined();
    for (const line of head?.trim().split('\n') ?? []) {
      const [, name, kind] = /^['"](.+)['"]: (major|minor|patch)$/.exec(line) ?? [];
      expect(kind, line).toBeDefined();
      expect(names).toContain(name);
    }
  });
});
