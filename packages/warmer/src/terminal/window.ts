/**
 * Output on its way to one viewer, bounded: who does not say that they read is not sent more, and the terminal waits.
 */
export class OutputWindow {
  readonly #capacity: number;
  readonly #waiting: (() => void)[] = [];
  /** Output that no viewer has taken yet. */
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #unconsumed = 0;
  #send: ((bytes: Uint8Array) => void) | undefined;

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes;
  }

  /** Resolves when more may come. */
  async push(bytes: Uint8Array): Promise<void> {
    if (this.#send) this.#deliver(bytes);
    else this.#keep(bytes);
    if (this.#full()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A viewer came: what was kept goes first. */
  attach(send: (bytes: Uint8Array) => void): void {
    this.#send = send;
    this.#unconsumed = 0;
    const kept = this.#kept.splice(0);
    this.#keptBytes = 0;
    for (const bytes of kept) this.#deliver(bytes);
    this.#release();
  }

  /** The viewer is gone: output is kept for the next one. */
  detach(): void {
    this.#send = undefined;
    this.#unconsumed = 0;
  }

  consumed(bytes: number): void {
    this.#unconsumed = Math.max(0, this.#unconsumed - bytes);
    this.#release();
  }

  /** Lets everything go that waits: the terminal ends. */
  open(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #deliver(bytes: Uint8Array): void {
    this.#unconsumed += bytes.length;
    this.#send?.(bytes);
  }

  #keep(bytes: Uint8Array): void {
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
  }

  #full(): boolean {
    return Math.max(this.#unconsumed, this.#keptBytes) >= this.#capacity;
  }

  #release(): void {
    if (!this.#full()) this.open();
  }
}
