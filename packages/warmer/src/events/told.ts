import type { WireEvent } from '@pilotlight/warming/wire';

/** One event on its way to its followers, written once whatever their number. */
export class ToldEvent {
  readonly event: WireEvent;
  #message: Buffer | undefined;
  #streamed: Buffer | undefined;

  constructor(event: WireEvent) {
    this.event = event;
  }

  /** As a text frame of a WebSocket holds it. */
  get message(): Buffer {
    this.#message ??= Buffer.from(JSON.stringify(this.event));
    return this.#message;
  }

  /** As a stream of server-sent events holds it. */
  get streamed(): Buffer {
    this.#streamed ??= Buffer.from(`id: ${this.event.id}\nevent: ${this.event.type}\ndata: ${this.message}\n\n`);
    return this.#streamed;
  }

  /** The last event of a claim's warming. */
  get isTerminal(): boolean {
    return this.event.type === 'claim-progress' && this.event.outcome !== undefined;
  }
}
