import { z } from 'zod';

const text = z.string();

const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('count'), count: z.number() }),
  z.object({ type: z.literal('stdout'), text }),
  z.object({ type: z.literal('stderr'), text }),
  z.object({ type: z.literal('result'), main: z.boolean(), data: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('error'), name: text, value: text, traceback: text }),
  z.object({ type: z.literal('end') }),
]);

/** What a kernel says. All of it was written by the sandbox and is believed only as far as its own caller is concerned. */
export type KernelMessage = z.output<typeof message>;

const separator = '\u001e';

/** A kernel that never ends a line must not make the host hold its bytes for ever. */
const longestLine = 256 * 1024 * 1024;

/**
 * Tells a kernel's messages from what user code writes to the same descriptor. A message starts with a marker that only
 * this host and the kernel know and ends with its line; anything else is text.
 */
export class KernelReader {
  private held = '';
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly start: string;
  private readonly onText: (text: string) => void;
  private readonly onMessage: (message: KernelMessage) => void;

  constructor(marker: string, onMessage: (message: KernelMessage) => void, onText: (text: string) => void) {
    this.start = `${separator}${marker}`;
    this.onMessage = onMessage;
    this.onText = onText;
  }

  /** @throws RangeError when a message is longer than any that can be held. */
  read(chunk: Uint8Array): void {
    this.held += this.decoder.decode(chunk, { stream: true });
    while (this.held !== '') {
      const at = this.held.indexOf(this.start);
      if (at !== 0) {
        const textEnd = at > 0 ? at : this.textEnd();
        if (textEnd === 0) {
          return;
        }
        this.onText(this.held.slice(0, textEnd));
        this.held = this.held.slice(textEnd);
        continue;
      }
      const lineEnd = this.held.indexOf('\n');
      if (lineEnd < 0) {
        if (this.held.length > longestLine) {
          throw new RangeError('the kernel sent a message without an end');
        }
        return;
      }
      this.deliver(this.held.slice(this.start.length, lineEnd));
      this.held = this.held.slice(lineEnd + 1);
    }
  }

  /** Where text surely ends: the rest may be the beginning of a marker. */
  private textEnd(): number {
    const at = this.held.lastIndexOf(separator);
    return at >= 0 && this.start.startsWith(this.held.slice(at)) ? at : this.held.length;
  }

  private deliver(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return;
    }
    const parsed = message.safeParse(value);
    if (parsed.success) {
      this.onMessage(parsed.data);
    }
  }
}
