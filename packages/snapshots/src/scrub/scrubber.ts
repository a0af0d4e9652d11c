import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { type Digest, digestOf } from '../digest.js';
import { displayPath, type FilePath } from '../paths.js';
import { PathMatcher } from './path-matcher.js';
import { parseScrubRules, type ScrubRules } from './rules.js';

export type { RedactRule, ScrubRules } from './rules.js';
export { defaultScrubRules } from './rules.js';

/** One thing that did not get into a snapshot as it was. */
export interface ScrubReport {
  path: string;
  action: 'dropped' | 'redacted';
}

/** Decides what is left out and what is blanked. Pure, apart from keeping its report. */
export class Scrubber {
  /** Two scrubbers with the same key decide the same. */
  readonly key: string;
  readonly #drop: PathMatcher;
  readonly #keep: PathMatcher;
  readonly #redact: { paths: PathMatcher; pattern: RegExp; replacement: string }[];
  readonly #report: ScrubReport[] = [];

  /** @throws SnapshotError `invalid_option` */
  constructor(rules: ScrubRules | false | undefined) {
    const used = rules === false ? { drop: [], keep: [], redact: [] } : parseScrubRules(rules);
    this.#drop = new PathMatcher(used.drop);
    this.#keep = new PathMatcher(used.keep);
    this.#redact = used.redact.map(({ paths, pattern, replacement }) => ({
      paths: new PathMatcher(paths),
      pattern,
      replacement: replacement ?? '',
    }));
    this.key = digestOf(
      JSON.stringify([
        used.drop,
        used.keep,
        used.redact.map(({ paths, pattern, replacement }) => [paths, String(pattern), replacement ?? '']),
      ]),
    ).slice(0, 16);
  }

  /** False for what is left out, and notes it. */
  keep(path: FilePath, kind: 'file' | 'directory' | 'link'): boolean {
    const text = displayPath(path);
    if (!this.#drop.test(text) || this.#keep.test(text)) return true;
    this.#report.push({ path: kind === 'directory' ? `${text}/` : text, action: 'dropped' });
    return false;
  }

  redacts(path: FilePath): boolean {
    if (this.#redact.length === 0) return false;
    const text = displayPath(path);
    return this.#redact.some(({ paths }) => paths.test(text));
  }

  /** The content as it may be kept; the same bytes when there was nothing to blank. Notes what was. */
  redact(path: FilePath, content: Buffer): Buffer {
    const name = displayPath(path);
    const before = content.toString('latin1');
    let text = before;
    for (const { paths, pattern, replacement } of this.#redact) {
      if (paths.test(name)) text = text.replace(pattern, replacement);
    }
    if (text === before) return content;
    this.#report.push({ path: name, action: 'redacted' });
    return Buffer.from(text, 'latin1');
  }

  report(): ScrubReport[] {
    return this.#report;
  }
}

/** Stores a file's content without its secrets. Undefined when it cannot be read, or is a link by now. */
export function applyRedaction(
  scrubber: Scrubber,
  path: FilePath,
  relative: FilePath,
  store: { addBlob(bytes: Uint8Array): Digest },
): { kind: 'file'; digest: Digest; size: number } | undefined {
  const content = readWithoutFollowing(path);
  if (!content) return undefined;
  const kept = scrubber.redact(relative, content);
  return { kind: 'file', digest: store.addBlob(kept), size: kept.length };
}

function readWithoutFollowing(path: FilePath): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
