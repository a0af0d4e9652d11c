import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprint, temporaryDirectory, writeTree } from '../../../../test/snapshots/support.js';
import { digestOf } from '../digest.js';
import { openStore } from '../store/store.js';
import { applyRedaction, defaultScrubRules, Scrubber } from './scrubber.js';

const secrets = [
  '.env',
  'app/.env.production',
  '.ssh',
  'home/.aws',
  'id_ed25519',
  '.bash_history',
  'x/.zsh_history',
  '.netrc',
  '.git-credentials',
  'a/.docker/config.json',
  '.cargo/credentials.toml',
  '.config/gh',
];
const harmless = [
  '.envoy',
  'env',
  '.env.example',
  'sshd',
  'history',
  'docker/config.json',
  'id_rsa.pub',
  'cacert.pem',
  '.npmrc',
];

describe('scrubbing', () => {
  it('leaves out env files, keys, tokens and histories, at any depth, and nothing else', () => {
    const scrubber = new Scrubber(undefined);
    expect(secrets.filter((path) => scrubber.keep(path, 'file'))).toEqual([]);
    expect(harmless.filter((path) => !scrubber.keep(path, 'file'))).toEqual([]);
    expect(scrubber.report().map(({ path }) => path)).toEqual(secrets);
  });

  it('blanks credentials inside files that are otherwise wanted', () => {
    const scrubber = new Scrubber(undefined);
    const npmrc = 'registry=https://r.example/\n//r.example/:_authToken=abc\n_password = x\n; key\nfund=false\n';
    expect(scrubber.redact('.npmrc', Buffer.from(npmrc)).toString()).toBe(
      'registry=https://r.example/\n\n\n; key\nfund=false\n',
    );
    const config = '[remote "origin"]\n\turl = https://user:token@git.example/x.git\n';
    expect(scrubber.redact('a/.git/config', Buffer.from(config)).toString()).toBe(
      '[remote "origin"]\n\turl = https://git.example/x.git\n',
    );
    const clean = Buffer.from('fund=false\n');
    expect(scrubber.redact('.npmrc', clean)).toBe(clean);
  });

  it('is on in a capture, leaves the source alone, and is reported each time', async () => {
    const work = temporaryDirectory();
    const root = join(work, 'tree');
    writeTree(root, {
      '.env': 'SECRET=1',
      '.ssh/id_rsa': 'KEY',
      '.npmrc': '_authToken=abc\nfund=false\n',
      'a.txt': 'one',
    });
    const before = fingerprint(root);
    const store = await openStore({ directory: join(work, 'store'), threads: 0 });
    const first = await store.capture(root);
    expect(first.scrubbed).toEqual([
      { path: '.env', action: 'dropped' },
      { path: '.npmrc', action: 'redacted' },
      { path: '.ssh/', action: 'dropped' },
    ]);
    expect(fingerprint(root)).toEqual(before);
    for (const secret of ['SECRET=1', 'KEY', '_authToken=abc\nfund=false\n']) {
      expect(store.hasBlob(digestOf(secret))).toBe(false);
    }
    const second = await store.capture(root);
    expect(second.scrubbed.filter(({ action }) => action === 'dropped')).toHaveLength(2);
    const everything = await store.capture(root, { scrub: false });
    expect(everything.scrubbed).toEqual([]);
    expect(store.hasBlob(digestOf('SECRET=1'))).toBe(true);
    await store.close();
  });

  it('reads no other file when a link came into the place of one that it blanks', () => {
    const work = temporaryDirectory();
    writeTree(work, { 'secret.txt': 'theirs', '.npmrc': { link: 'secret.txt' } });
    const stored: Uint8Array[] = [];
    const store = { addBlob: (bytes: Uint8Array) => digestOf(stored[stored.push(bytes) - 1]!) };
    expect(applyRedaction(new Scrubber(undefined), join(work, '.npmrc'), '.npmrc', store)).toBeUndefined();
    expect(stored).toEqual([]);
  });

  it('leaves out a path that was named as changed', async () => {
    const work = temporaryDirectory();
    const root = join(work, 'tree');
    writeTree(root, { 'a/b.txt': 'one' });
    const store = await openStore({ directory: join(work, 'store'), threads: 0 });
    await store.capture(root);
    writeTree(root, { '.env': 'SECRET=1', '.ssh/deep/key': 'KEY' });
    writeFileSync(join(root, 'a/b.txt'), 'two');
    const { scrubbed } = await store.capture(root, { changed: ['.env', '.ssh/deep/key', 'a/b.txt'] });
    expect(scrubbed.length).toBe(2);
    expect(store.hasBlob(digestOf('SECRET=1'))).toBe(false);
    expect(store.hasBlob(digestOf('KEY'))).toBe(false);
    await store.close();
  });

  it('follows rules of one’s own, and refuses wrong ones by name', () => {
    const scrubber = new Scrubber({ drop: ['*.secret'], keep: [], redact: [] });
    expect(scrubber.keep('a/b.secret', 'file')).toBe(false);
    expect(scrubber.keep('.env', 'file')).toBe(true);
    const more = new Scrubber({ drop: [...defaultScrubRules.drop, '*.secret'] });
    expect(more.keep('.env', 'file')).toBe(false);
    const wrong = { redact: [{ paths: ['x'], pattern: /once/ }] };
    expect(() => new Scrubber(wrong)).toThrow(/scrub\.redact\.0\.pattern/);
  });
});
