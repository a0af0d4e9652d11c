/** Events of one listener in order, for a `for await` loop. Ends by `end`, and for good when the loop is left. */
export class EventQueue<Event> implements AsyncIterable<Event> {
  private readonly events: Event[] = [];
  private wake: (() => void) | undefined;
  private ended = false;

  push(event: Event): void {
    this.events.push(event);
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  /** What nobody will read any more. */
  takeRest(): Event[] {
    return this.events.splice(0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    while (true) {
      while (this.events.length > 0) {
        yield this.events.shift() as Event;
      }
      if (this.ended) {
        return;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = undefined;
    }
  }
}
