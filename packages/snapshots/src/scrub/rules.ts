import { z } from 'zod';
import { SnapshotError } from '../errors.js';

/** Blanks parts of the files it names; the rest of them is kept. */
export interface RedactRule {
  /** Glob patterns, as in {@link ScrubRules.drop}. */
  paths: readonly string[];
  /** What is replaced; give it the flags `g` and, for whole lines, `m`. */
  pattern: RegExp;
  /** @default '' */
  replacement?: string;
}

/** What must not get into a snapshot. */
export interface ScrubRules {
  /**
   * Glob patterns of files and directories that are left out. One without a slash matches at any depth.
   * @default {@link defaultScrubRules}'s
   */
  drop?: readonly string[];
  /** Patterns that are kept although `drop` names them. @default {@link defaultScrubRules}'s */
  keep?: readonly string[];
  /** @default {@link defaultScrubRules}'s */
  redact?: readonly RedactRule[];
}

/** Env files, tokens, shell history, ssh keys, and credentials inside `.npmrc` and its relatives. */
export const defaultScrubRules: Required<ScrubRules> = {
  drop: [
    '.env',
    '.env.*',
    '.envrc',
    '.ssh',
    '.gnupg',
    'id_{rsa,dsa,ecdsa,ed25519}',
    '*.ppk',
    '.netrc',
    '_netrc',
    '.git-credentials',
    '.pypirc',
    '.pgpass',
    '.my.cnf',
    '.vault-token',
    '.terraformrc',
    'credentials.tfrc.json',
    '.aws',
    '.azure',
    '.kube',
    '**/.config/gcloud',
    '**/.config/gh',
    '**/.config/hub',
    '**/.docker/config.json',
    '**/.cargo/credentials',
    '**/.cargo/credentials.toml',
    '**/.gem/credentials',
    '.{bash,zsh,sh,ash,python,node_repl,psql,mysql,sqlite,rediscli,irb}_history',
    'fish_history',
    '.lesshst',
    '.wget-hsts',
  ],
  keep: ['.env.{example,sample,template,dist,defaults}'],
  redact: [
    {
      paths: ['.npmrc', 'npmrc'],
      pattern: /^[^#;\n=]*(?:_authToken|_auth|_password|username|certfile|keyfile|\bkey|\bcert)\s*=.*$/gim,
    },
    { paths: ['.yarnrc.yml'], pattern: /^\s*(?:npmAuthToken|npmAuthIdent)\s*:.*$/gm },
    {
      paths: ['pip.conf', '.npmrc', 'npmrc', '**/.git/config', '.gitconfig', 'requirements*.txt'],
      pattern: /(?<=\w:\/\/)[^\s/@'"]+@/g,
    },
  ],
};

const rulesSchema = z.strictObject({
  drop: z.array(z.string().min(1)).optional(),
  keep: z.array(z.string().min(1)).optional(),
  redact: z
    .array(
      z.strictObject({
        paths: z.array(z.string().min(1)),
        pattern: z.instanceof(RegExp).refine((pattern) => pattern.global, 'needs the flag "g"'),
        replacement: z.string().optional(),
      }),
    )
    .optional(),
});

/** @throws SnapshotError `invalid_option` naming the rule and the value given */
export function parseScrubRules(rules: ScrubRules | undefined): Required<ScrubRules> {
  if (rules === undefined) return defaultScrubRules;
  const parsed = rulesSchema.safeParse(rules);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new SnapshotError(
      'invalid_option',
      `Option "scrub.${issue.path.join('.')}" cannot be used: ${issue.message}. Correct it, or leave it out for the built-in rules.`,
    );
  }
  return {
    drop: rules.drop ?? defaultScrubRules.drop,
    keep: rules.keep ?? defaultScrubRules.keep,
    redact: rules.redact ?? defaultScrubRules.redact,
  };
}
