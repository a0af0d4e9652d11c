import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scrubSandbox } from '@pilotlight/snapshots';
import { describe, expect, it } from 'vitest';
import { shellSandbox } from './shell-sandbox.js';
import { fingerprint, temporaryDirectory, writeTree } from './support.js';

describe('a sandbox that is about to be captured by its provider', () => {
  it('loses its secrets and nothing else', async () => {
    const sandbox = shellSandbox(temporaryDirectory(), ['sh', 'find', 'rm']);
    const home = join(sandbox.home, 'user');
    writeTree(home, {
      'app/.env': 'SECRET=1',
      '.ssh/id_rsa': 'KEY',
      '.npmrc': '_authToken=abc\nfund=false\n',
      "it's": 'kept',
    });
    const report = await scrubSandbox(sandbox, [home]);
    expect(report.map(({ path, action }) => [path.slice(home.length + 1), action]).sort()).toEqual([
      ['.npmrc', 'redacted'],
      ['.ssh/', 'dropped'],
      ['app/.env', 'dropped'],
    ]);
    expect(fingerprint(home).map((line) => line.split(' ')[0])).toEqual(['/', '/.npmrc', '/app/', "/it's"]);
    expect(readFileSync(join(home, '.npmrc'), 'utf8')).toBe('\nfund=false\n');
  });

  it('is an error when it cannot be looked at', async () => {
    const sandbox = shellSandbox(temporaryDirectory(), ['sh']);
    await expect(scrubSandbox(sandbox, [sandbox.home])).rejects.toMatchObject({ code: 'sandbox_failed' });
  });
});
