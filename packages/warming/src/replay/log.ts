import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { PreparedListener } from './simulator.js';

const FLUSH_LINES = 4_096;

/** Writes every prepared sandbox as `key,orderedAt,readyAt,endedAt,outcome[,claimedKey]`; gzip when the name ends so. */
export class PreparedLog {
  private lines: string[] = ['key,orderedAt,readyAt,endedAt,outcome,claimedKey'];
  private readonly file;
  private readonly sink;

  constructor(path: string) {
    this.file = createWriteStream(path);
    if (path.endsWith('.gz')) {
      const gzip = createGzip();
      gzip.pipe(this.file);
      this.sink = gzip;
    } else this.sink = this.file;
  }

  readonly note: PreparedListener = ({ key, orderedAt, readyAt }, endedAt, outcome, claimedKey) => {
    const tail = claimedKey === undefined ? '' : `,${claimedKey}`;
    this.lines.push(`${key},${number(orderedAt)},${number(readyAt)},${number(endedAt)},${outcome}${tail}`);
  };

  /** Hands lines on to the file; to be awaited now and then. */
  async drain(): Promise<void> {
    if (this.lines.length < FLUSH_LINES) return;
    await this.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    this.sink.end();
    await finished(this.file);
  }

  private async flush(): Promise<void> {
    const text = `${this.lines.join('\n')}\n`;
    this.lines = [];
    if (!this.sink.write(text)) await once(this.sink, 'drain');
  }
}

function number(seconds: number): string {
  return String(Math.round(seconds * 1e4) / 1e4);
}
