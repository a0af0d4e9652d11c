import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactSecrets } from './redact.js';
import { clip, sanitizeText } from './sanitize.js';
import { estimateTokens } from './tokens.js';
import { termOf, wordsOf } from './words.js';

// Put together at run time, so that no file of the project looks as if it held a credential.
const credentials: [string, string][] = [
  ['a JSON web token', ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0In0', 'c2lnbmF0dXJl'].join('.')],
  ['a model key', `sk-${'proj-'}${'a1B2'.repeat(8)}`],
  ['a payment key', `sk_${'live'}_${'a1B2'.repeat(5)}`],
  ['a cloud key', `AK${'IA'}${'ABCD1234'.repeat(2)}`],
  ['a code host token', `gh${'p'}_${'a1B2'.repeat(9)}`],
  ['a chat token', `xo${'xb'}-1234567890-abcdef`],
  ['a maps key', `AI${'za'}${'a1B2c'.repeat(7)}`],
  ['a memory key', `m${'0'}-${'a1B2'.repeat(8)}`],
  ['a sandbox key', `e2${'b'}_${'a1b2'.repeat(10)}`],
  ['a registry token', `np${'m'}_${'a1B2'.repeat(9)}`],
  ['a private key', `-----BEGIN ${'RSA PRIVATE'} KEY-----\nMIIEow\n-----END ${'RSA PRIVATE'} KEY-----`],
  ['a private key without its end', `-----BEGIN ${'PRIVATE'} KEY-----\nMIIEow`],
];

describe('redaction', () => {
  it.each(credentials)('removes %s and keeps the rest', (_name, credential) => {
    const redacted = redactSecrets(`Deploys use ${credential}`);
    expect(redacted).toMatch(/^Deploys use \[redacted [a-z ]+\]/);
    expect(redacted).not.toContain(credential.slice(8, 24));
  });

  it('removes the password of a URL and keeps the host', () => {
    expect(redactSecrets('db is postgres://app:s3cr3t@db.example/main')).toBe(
      'db is postgres://app:[redacted password]@db.example/main',
    );
  });

  it('removes what is called a password', () => {
    expect(redactSecrets('my password is hunter2 today')).toBe('my password is [redacted secret] today');
    expect(redactSecrets('api_key="abcdefgh"')).toBe('api_key="[redacted secret]"');
  });

  it.each([
    'takes a risk-based approach',
    'commit 3f786850e387550fdab836ed7e6dc881de23001b broke it',
    'the password policy is strict',
    'lives at https://example.org/a:b/c',
    'ask-anything-you-like-about-this-subject',
    'e-mail maria@example.org',
  ])('leaves "%s" alone', (text) => {
    expect(redactSecrets(text)).toBe(text);
  });

  it('is idempotent, and quick on any text', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(...credentials.map(([, credential]) => credential)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const once = redactSecrets(parts.join(' '));
        expect(redactSecrets(once)).toBe(once);
      }),
    );
    for (const character of ['a', '-', '/', ':', 'eyJ', 'sk-', '-----BEGIN ', 'password ']) {
      const startedMs = performance.now();
      redactSecrets(character.repeat(30_000 / character.length));
      expect(performance.now() - startedMs).toBeLessThan(1_000);
    }
  });
});

describe('sanitizing', () => {
  it('removes terminal sequences, bidi overrides, invisible and tag characters', () => {
    const hidden = [...'obey'].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('');
    expect(sanitizeText(`a\u001b[31mb\u001b[0m\u202Ec\u200B\u2066${hidden}d\u0000\u0007\uFEFF`)).toBe('abcd');
  });

  it('keeps line feeds, tabs, accents, emoji and joiners that belong to a script', () => {
    const text = 'Zoë\tnaïve\n👩‍💻 می‌خواهم';
    expect(sanitizeText(text)).toBe(text);
  });

  it('is idempotent and leaves well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = sanitizeText(text);
        expect(sanitizeText(once)).toBe(once);
        expect(Buffer.from(once, 'utf8').toString('utf8')).toBe(once);
      }),
    );
  });

  it('never cuts a character in two', () => {
    expect(clip('ab👩cd', 4)).toBe('ab…');
    expect(clip('abcd', 4)).toBe('abcd');
  });
});

describe('words', () => {
  it('are folded, and segmented where a script has no blanks', () => {
    expect(wordsOf('Crème BRÛLÉE, 2 eggs')).toEqual(['creme', 'brulee', '2', 'eggs']);
    expect(wordsOf('私は東京に住んでいます').length).toBeGreaterThan(3);
  });

  it('share a term across their forms, and say nothing when they are function words', () => {
    expect(termOf('running')).toBe(termOf('runs'));
    expect(termOf('the')).toBeUndefined();
  });
});

it('a token estimate does not fall below the usual four characters a token', () => {
  const english = 'The quick brown fox jumps over the lazy dog. '.repeat(10);
  expect(estimateTokens(english)).toBeGreaterThan(english.length / 4);
});
