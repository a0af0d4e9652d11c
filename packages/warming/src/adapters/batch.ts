/** What came of one item of a batch. */
export type Outcome<Answer> = { readonly value: Answer } | { readonly error: unknown };

interface Waiting<Item, Answer> {
  readonly item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** Collects what is asked for in one turn of the event loop, and does it together and in the order it was asked for. */
export class Batch<Item, Answer> {
  readonly #carryOut: (items: readonly Item[]) => Promise<readonly Outcome<Answer>[]>;
  readonly #largest: number;
  #waiting: Waiting<Item, Answer>[] = [];

  /** @param largest bounds how long others wait for one batch */
  constructor(carryOut: (items: readonly Item[]) => Promise<readonly Outcome<Answer>[]>, largest: number) {
    this.#carryOut = carryOut;
    this.#largest = largest;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
      else if (this.#waiting.length === this.#largest) this.#flush();
    });
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    this.#carryOut(batch.map(({ item }) => item)).then(
      (outcomes) => {
        for (const [index, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[index];
          if (outcome && 'value' in outcome) resolve(outcome.value);
          else reject(outcome ? outcome.error : new TypeError('A batch answers every item.'));
        }
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }
}
