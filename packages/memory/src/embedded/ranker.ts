import MiniSearch, { type Options } from 'minisearch';
import { partsOf, termOf, wordsOf } from '../text/words.js';

/** One text that can be found. */
export interface RankedText {
  id: string;
  text: string;
  /** Words that describe the text without standing in it, such as its categories. */
  tags?: readonly string[] | undefined;
}

export interface RankedHit {
  id: string;
  score: number;
}

const longestQueryChars = 4_000;
// A shared word says more than any number of shared letters: the parts order what no word decides.
const partWeight = 0.2;

/**
 * Ranks short texts against a question: BM25+ over stemmed words, and with less weight over three-letter parts of words,
 * which finds misspellings, compounds and other forms. It knows letters, not meaning.
 */
export class TextRanker {
  readonly #words = new MiniSearch<RankedText>(indexOptions(wordsOf, (word) => termOf(word) ?? null));
  readonly #parts = new MiniSearch<RankedText>(indexOptions(partsOf, (part) => part));

  put(document: RankedText): void {
    this.remove(document.id);
    this.#words.add(document);
    this.#parts.add(document);
  }

  remove(id: string): void {
    if (!this.#words.has(id)) return;
    this.#words.discard(id);
    this.#parts.discard(id);
  }

  /** Best first; texts that share nothing with the question are absent. */
  rank(query: string): RankedHit[] {
    const asked = query.slice(0, longestQueryChars);
    const scores = new Map<string, number>();
    for (const { id, score } of this.#words.search(asked)) scores.set(String(id), score);
    for (const { id, score } of this.#parts.search(asked)) {
      scores.set(String(id), (scores.get(String(id)) ?? 0) + partWeight * score);
    }
    return [...scores].map(([id, score]) => ({ id, score })).sort((left, right) => right.score - left.score);
  }
}

function indexOptions(
  tokenize: (text: string) => string[],
  processTerm: (term: string) => string | null,
): Options<RankedText> {
  return {
    fields: ['text', 'tags'],
    extractField: (document, field) =>
      field === 'tags' ? (document.tags ?? []).join(' ') : document[field as 'id' | 'text'],
    tokenize,
    processTerm,
  };
}
