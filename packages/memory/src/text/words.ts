import { stemmer } from 'stemmer';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
const marks = /\p{M}/gu;
const unspaced =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}|\p{Script=Lao}|\p{Script=Khmer}|\p{Script=Myanmar}/u;
const spacedWord = /[\p{L}\p{N}]+/gu;

// The function words of English questions; they carry no topic, and with few documents they would decide the ranking.
const stopWords = new Set(
  'a about am an and any are as at be been but by can could did do does for from had has have he her hers him his how i if in into is it its me my of on or our ours s she should so t than that the their them then there these they this those to us was we were what when where which who whom why will with would you your yours user'.split(
    ' ',
  ),
);

/** The words of a text, folded: lower case, without accents; scripts without spaces are segmented. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize('NFKD').replace(marks, '').toLowerCase().normalize('NFC');
  if (!unspaced.test(folded)) return folded.match(spacedWord) ?? [];
  const words: string[] = [];
  for (const part of segmenter.segment(folded)) if (part.isWordLike) words.push(part.segment);
  return words;
}

/** The term a word is indexed under, or undefined when it says nothing. */
export function termOf(word: string): string | undefined {
  if (stopWords.has(word)) return undefined;
  return /^[a-z]+$/.test(word) ? stemmer(word) : word;
}

/** The three-letter parts of the words that say something, with their edges marked. */
export function partsOf(text: string): string[] {
  const parts: string[] = [];
  for (const word of wordsOf(text)) {
    if (stopWords.has(word)) continue;
    const marked = `^${word}$`;
    for (let start = 0; start + 3 <= marked.length; start += 1) parts.push(marked.slice(start, start + 3));
  }
  return parts;
}
