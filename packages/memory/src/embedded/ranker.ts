import MiniSearch from 'minisearch';
import { termOf, wordsOf } from '../text/words.js';

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

/**
 * Ranks short texts against a question: BM25+ over stemmed words, with prefixes and small misspellings counting for
 * less. It knows no synonyms; what shares no word stem with the question is not found.
 */
export class TextRanker {
  readonly #index = new MiniSearch<RankedText>({
    fields: ['text', 'tags'],
    extractField: (document, field) =>
      field === 'tags' ? (document.tags ?? []).join(' ') : String(document[field as 'id' | 'text']),
    tokenize: wordsOf,
    processTerm: (word) => termOf(word) ?? null,
    searchOptions: {
      combineWith: 'OR',
      prefix: (term) => term.length >= 4,
      fuzzy: (term) => (term.length >= 5 ? 0.2 : false),
      weights: { prefix: 0.3, fuzzy: 0.2 },
    },
  });

  get size(): number {
    return this.#index.documentCount;
  }

  put(document: RankedText): void {
    if (this.#index.has(document.id)) this.#index.replace(document);
    else this.#index.add(document);
  }

  remove(id: string): void {
    if (this.#index.has(id)) this.#index.discard(id);
  }

  /** Best first; texts that share nothing with the question are absent. */
  rank(query: string): RankedHit[] {
    return this.#index.search(query.slice(0, longestQueryChars)).map(({ id, score }) => ({ id: String(id), score }));
  }
}
