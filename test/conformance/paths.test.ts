import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileNotFoundError, InvalidArgumentError, type Sandbox } from 'e2b';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useHost } from './support.js';

const home = '/home/user';
const token = 'pl-fuzz';

/** What E2B takes a path for: "~" is the home, relative ones begin there, "." and ".." are resolved by their letters. */
function meaningOf(path: string): string {
  const expanded = path === '' || path === '~' ? home : path.replace(/^~\//, `${home}/`);
  const parts: string[] = [];
  for (const part of (expanded.startsWith('/') ? expanded : `${home}/${expanded}`).split('/')) {
    if (part === '..') {
      parts.pop();
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return `/${parts.join('/')}`;
}

/** The directories and files of a sandbox, as far as this test has to do with them. */
class Tree {
  readonly directories = new Set(['/', '/home', home, '/tmp']);
  readonly files = new Map<string, string>();

  /** Why nothing can be written there, or undefined when it can; what was written is then remembered. */
  write(path: string, content: string): 'refused' | undefined {
    const above = ancestors(path);
    if (this.directories.has(path) || above.some((directory) => this.files.has(directory))) {
      return 'refused';
    }
    for (const directory of above) {
      this.directories.add(directory);
    }
    this.files.set(path, content);
    return undefined;
  }
}

function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

const strange = fc
  .oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }))
  .map((text) => `${token}${text.replace(/[/\0]/g, '')}`);
const part = fc.oneof(
  fc.constantFrom(
    '.',
    '..',
    '',
    '~',
    `${token}-a`,
    `${token}-b`,
    `${token}%2e%2e`,
    `${token} $(id) * "'`,
    '..a',
    `-${token}`,
  ),
  strange,
);
const path = fc
  .tuple(fc.constantFrom('', '/', '~/', '/tmp/', './', '../'), fc.array(part, { maxLength: 6 }))
  .map(([start, parts]) => `${start}${parts.join('/')}`);

describe('paths', () => {
  const at = useHost();
  const outside = mkdtempSync(join(tmpdir(), 'pl-outside-'));
  let sandbox: Sandbox;
  beforeAll(async () => {
    writeFileSync(join(outside, 'secret'), 'of the host');
    sandbox = await at.e2b.Sandbox.create({ timeoutMs: 600_000 });
  });
  afterAll(async () => {
    await sandbox.kill();
    rmSync(outside, { recursive: true });
  });

  it('mean what they mean at E2B, whatever is in them, and nothing is written outside of the sandbox', async () => {
    const tree = new Tree();
    await fc.assert(
      fc.asyncProperty(path, fc.string(), async (given, content) => {
        const meant = meaningOf(given);
        const before = existsSync(meant);
        if (tree.write(meant, content) === 'refused') {
          await expect(sandbox.files.write(given, content)).rejects.toThrow(InvalidArgumentError);
        } else {
          expect((await sandbox.files.write(given, content)).path).toBe(meant);
          expect(await sandbox.files.read(given)).toBe(content);
          const parent = ancestors(meant).at(-1) ?? '/';
          expect((await sandbox.files.list(parent)).map((entry) => entry.path)).toContain(meant);
        }
        expect(existsSync(meant)).toBe(before);
      }),
      { numRuns: 80 },
    );
    const { stdout } = await sandbox.commands.run('find / -xdev -type f -name "*pl-fuzz*" 2>/dev/null | wc -l');
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  it('with a zero byte are refused, and so are names that no file system takes', async () => {
    for (const given of ['a\0b', '/etc/passwd\0', '\0']) {
      await expect(sandbox.files.read(given)).rejects.toThrow(InvalidArgumentError);
      await expect(sandbox.files.write(given, 'x')).rejects.toThrow(InvalidArgumentError);
      await expect(sandbox.files.list(given)).rejects.toThrow(InvalidArgumentError);
      await expect(sandbox.files.remove(given)).rejects.toThrow(InvalidArgumentError);
    }
    await expect(sandbox.files.write('x'.repeat(256), 'x')).rejects.toThrow(InvalidArgumentError);
  });

  it('through links that lead out find nothing of the host, however they are written', async () => {
    await sandbox.commands.run(`ln -s ${outside} out; ln -s / top; ln -s ../../../../../../..${outside} climbing`);
    const steps = fc.array(fc.constantFrom('', '.', 'x/..'), { maxLength: 3 });
    const link = fc.constantFrom('out', 'climbing', `top${outside}`, `/proc/self/root${outside}`);
    await fc.assert(
      fc.asyncProperty(link, steps, async (start, between) => {
        const given = [start, ...between, 'secret'].join('/');
        await expect(sandbox.files.read(given)).rejects.toThrow(FileNotFoundError);
        expect(await sandbox.files.exists(given)).toBe(false);
      }),
      { numRuns: 30 },
    );
    await expect(sandbox.files.read(`/proc/1/root${outside}/secret`)).rejects.toThrow(/denied|no such file/i);
    expect(existsSync(join(outside, 'secret'))).toBe(true);
  });
});
