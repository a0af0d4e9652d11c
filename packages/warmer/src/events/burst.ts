import { compareEventIds } from './log.js';
import type { ToldEvent } from './told.js';

/** Events that go to their followers together, in their order and never none. Written once, whatever the number of followers. */
export class Burst {
  readonly events: readonly ToldEvent[];
  #streamed: Buffer | undefined;
  #untilEnd: Burst | undefined;

  constructor(events: readonly ToldEvent[]) {
    this.events = events;
  }

  /** As a stream of server-sent events holds them. */
  get streamed(): Buffer {
    this.#streamed ??= Buffer.concat(this.events.map(({ streamed }) => streamed));
    return this.#streamed;
  }

  get lastId(): string {
    return this.events.at(-1)?.event.id ?? '0-0';
  }

  /** Whether it ends with the last event of a claim's warming. */
  get isTerminal(): boolean {
    return this.events.at(-1)?.isTerminal ?? false;
  }

  /** What stands up to the last event of the claim's warming, that one included. */
  get untilEnd(): Burst {
    this.#untilEnd ??= this.#cut();
    return this.#untilEnd;
  }

  /** What came after an id; undefined when nothing did. */
  after(id: string): Burst | undefined {
    const first = this.events.findIndex(({ event }) => compareEventIds(event.id, id) > 0);
    if (first < 0) return undefined;
    return first === 0 ? this : new Burst(this.events.slice(first));
  }

  #cut(): Burst {
    const end = this.events.findIndex(({ isTerminal }) => isTerminal);
    return end < 0 || end === this.events.length - 1 ? this : new Burst(this.events.slice(0, end + 1));
  }
}
