import { stripVTControlCharacters } from 'node:util';

// Controls except tab and line feed, bidi marks and overrides, invisible marks, tag characters, the supplement of
// variation selectors, lone surrogates: none of them is visible, each of them can carry a message a reader cannot see.
const invisible =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is removed here
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]|[\u{E0100}-\u{E01EF}]|\p{Surrogate}/gu;
const lineSeparators = /\r\n?|[\u0085\u2028\u2029]/g;
// Joiners are part of some scripts and of emoji; next to ASCII, or in a row, they are a hiding place.
const strayJoiners = /(?<=^|\p{ASCII})[\u200C\u200D]+|[\u200C\u200D]{2,}|[\u200C\u200D](?=\p{ASCII}|$)/gu;

/** The text without terminal sequences, controls, bidi overrides and invisible characters. Idempotent. */
export function sanitizeText(text: string): string {
  const plain = stripVTControlCharacters(text.replace(lineSeparators, '\n'));
  return plain.replace(invisible, '').replace(strayJoiners, '');
}

/** At most `longestChars` characters, cut between code points, with a mark that says so. */
export function clip(text: string, longestChars: number): string {
  if (text.length <= longestChars) return text;
  const kept = text.slice(0, Math.max(0, longestChars - 1));
  return `${kept.replace(/[\uD800-\uDBFF]$/, '')}…`;
}
