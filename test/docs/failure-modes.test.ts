import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from './snippets.js';

/** The rows of the table: what is guaranteed, and each test that is said to prove it. */
const rows = readFileSync(`${root}docs/guides/failure-modes.md`, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (guarantee|-)/.test(line))
  .map((line) => {
    const [guarantee = '', bound = '', proof = ''] = line.split('|').slice(1, -1);
    const proofs = [...proof.matchAll(/`((?:test|packages)\/[^`]+)` "([^"]+)"/g)].map(([, path = '', title = '']) => ({
      path,
      title,
    }));
    return { guarantee: guarantee.trim(), bound: bound.trim(), proofs };
  });

describe('every guarantee in the guide', () => {
  it('is there', () => {
    expect(rows.length).toBeGreaterThan(10);
  });

  it.each(rows)('$guarantee: has a bound and is proved by a test that exists', ({ bound, proofs }) => {
    expect(bound).not.toBe('');
    expect(proofs.length).toBeGreaterThan(0);
    for (const { path, title } of proofs) {
      expect(existsSync(`${root}${path}`), path).toBe(true);
      expect(readFileSync(`${root}${path}`, 'utf8')).toContain(title);
    }
  });
});
