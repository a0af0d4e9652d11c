import { unpackFields } from './frames.js';
import type { FileEntry, FileKind } from './machine.js';

const kinds = new Set<string>(['file', 'directory', 'link', 'other']);

/** Cuts records of the agent's file operations out of a byte stream; after `limit` records the rest is plain bytes. */
export class RecordReader {
  private held: Buffer = Buffer.alloc(0);
  private left: number;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.left = limit;
  }

  *read(chunk: Buffer): Generator<Buffer[]> {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    while (this.left > 0 && this.held.length >= 4) {
      const end = 4 + this.held.readUInt32BE(0);
      if (this.held.length < end) {
        return;
      }
      const record = unpackFields(this.held.subarray(4, end));
      this.held = this.held.subarray(end);
      this.left -= 1;
      yield record;
    }
  }

  /** Bytes after the last record, each given out once. */
  takeRest(): Buffer {
    if (this.left > 0) {
      return Buffer.alloc(0);
    }
    const rest = this.held;
    this.held = Buffer.alloc(0);
    return rest;
  }
}

export function parseEntry(fields: Buffer[]): FileEntry {
  const [path = '', kind = '', size = '', mode = '', owner = '', group = '', modified = '', target = '', ...pairs] =
    fields.map((field) => field.toString());
  const metadata: Record<string, string> = {};
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    metadata[pairs[index] as string] = pairs[index + 1] as string;
  }
  return {
    path,
    kind: kinds.has(kind) ? (kind as FileKind) : 'other',
    size: Number(size) || 0,
    mode: Number(mode) || 0,
    owner,
    group,
    modifiedAtMs: (Number(modified) || 0) * 1000,
    linkTarget: target || undefined,
    metadata,
  };
}
