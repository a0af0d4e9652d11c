/** Replaces what must not be kept or shown. Must be pure, quick and idempotent. */
export type Redactor = (text: string) => string;

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  /** Which part of the match stays, around the mark. */
  readonly keep?: (groups: string[]) => [before: string, after: string];
}

const start = '(?<![A-Za-z0-9])';
const end = '(?![A-Za-z0-9])';

/**
 * Shapes of credentials. A prefix counts only at the start of a word ("risk-based" holds `sk-`), and a bare run of hex
 * stays, because it is a commit far more often than a key. Every quantifier is bounded or of one class, so no input
 * makes the match slow.
 */
const rules: readonly Rule[] = [
  {
    what: 'private key',
    pattern:
      /-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
  { what: 'token', pattern: new RegExp(`${start}eyJ[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*)?`, 'g') },
  {
    what: 'key',
    pattern: new RegExp(`${start}sk-(?:proj-|ant-|or-|svcacct-|admin-|live-|test-)?[A-Za-z0-9_-]{16,}`, 'g'),
  },
  { what: 'key', pattern: new RegExp(`${start}(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}`, 'g') },
  { what: 'key', pattern: new RegExp(`${start}(?:AKIA|ASIA|AGPA|AROA|AIDA)[A-Z0-9]{16}${end}`, 'g') },
  {
    what: 'token',
    pattern: new RegExp(`${start}(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\\w{20,}|glpat-[\\w-]{16,})`, 'g'),
  },
  { what: 'token', pattern: new RegExp(`${start}xox[a-z]-[A-Za-z0-9-]{10,}`, 'g') },
  { what: 'key', pattern: new RegExp(`${start}AIza[\\w-]{30,}`, 'g') },
  {
    what: 'key',
    pattern: new RegExp(
      `${start}(?:m0-[A-Za-z0-9]{16,}|e2b_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,}|dop_v1_[a-f0-9]{32,}|SG\\.[\\w-]{16,}\\.[\\w-]{16,})`,
      'g',
    ),
  },
  {
    what: 'password',
    pattern: /\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,128}:)([^\s/@]{1,256})(@)/gi,
    keep: ([before, , after]) => [before ?? '', after ?? ''],
  },
  {
    what: 'secret',
    pattern:
      /\b((?:api[_ -]?key|secret(?:[_ -]?key)?|access[_ -]?token|auth[_ -]?token|client[_ -]?secret|passwd|password|passphrase|bearer)["']?\s{0,3}(?:[:=]|\bis\b(?=\s{1,3}\S{0,64}\d))\s{0,3}["']?)(?!\[redacted )([^\s"',;]{4,512})/gi,
    keep: ([before]) => [before ?? '', ''],
  },
  {
    what: 'token',
    pattern: /\b(bearer\s{1,3})(?!\[redacted )([A-Za-z0-9._~+/-]{16,512}=*)/gi,
    keep: ([before]) => [before ?? '', ''],
  },
];

/** Replaces credentials by `[redacted …]`: keys of well-known services, tokens, private keys, passwords in URLs. */
export const redactSecrets: Redactor = (text) => {
  let redacted = text;
  for (const { what, pattern, keep } of rules) {
    redacted = redacted.replace(pattern, (_match, ...groups: unknown[]) => {
      const mark = `[redacted ${what}]`;
      if (keep === undefined) return mark;
      const [before, after] = keep(groups.filter((group): group is string => typeof group === 'string'));
      return `${before}${mark}${after}`;
    });
  }
  return redacted;
};
