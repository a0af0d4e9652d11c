/** Keeps the end of what a step prints, without keeping the rest. */
export class OutputTail {
  #text = '';
  readonly #limit: number;

  /** @param limit characters kept; 4,000 show the reason of most failures */
  constructor(limit = 4_000) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#text = (this.#text + text).slice(-this.#limit);
  }

  /** Whole lines, the first one dropped when it was cut. */
  toString(): string {
    const cut = this.#text.length === this.#limit;
    return (cut ? this.#text.slice(this.#text.indexOf('\n') + 1) : this.#text).trimEnd();
  }
}
