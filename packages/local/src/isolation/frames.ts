/** Length-prefixed byte strings one after another: the form of every message of spawner and agent. */
export function packFields(fields: readonly (string | Uint8Array)[]): Buffer {
  const sizes = fields.map((field) => (typeof field === 'string' ? Buffer.byteLength(field) : field.length));
  const message = Buffer.allocUnsafe(sizes.reduce((total, size) => total + 4 + size, 0));
  let offset = 0;
  for (const [index, field] of fields.entries()) {
    offset = message.writeUInt32BE(sizes[index] ?? 0, offset);
    if (typeof field === 'string') {
      offset += message.write(field, offset);
    } else {
      message.set(field, offset);
      offset += field.length;
    }
  }
  return message;
}

/** Throws RangeError when a length points outside of the message: what a sandbox sends is never trusted. */
export function unpackFields(message: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset < message.length) {
    const length = message.readUInt32BE(offset);
    offset += 4;
    if (offset + length > message.length) {
      throw new RangeError(`a field of ${length} bytes does not fit into its message`);
    }
    fields.push(message.subarray(offset, offset + length));
    offset += length;
  }
  return fields;
}

/**
 * Cuts a byte stream into messages that start with their 32-bit length and a header of fixed size.
 * A length above the limit throws: a broken peer must not make us hold its bytes for ever.
 */
export class MessageReader {
  private held: Buffer = Buffer.alloc(0);
  private readonly headerBytes: number;
  private readonly limitBytes: number;

  constructor(headerBytes: number, limitBytes: number) {
    this.headerBytes = headerBytes;
    this.limitBytes = limitBytes;
  }

  *read(chunk: Buffer): Generator<{ header: Buffer; body: Buffer }> {
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    let offset = 0;
    while (bytes.length - offset >= this.headerBytes) {
      const length = bytes.readUInt32BE(offset);
      if (length > this.limitBytes) {
        throw new RangeError(`a message of ${length} bytes is over the limit of ${this.limitBytes}`);
      }
      const end = offset + this.headerBytes + length;
      if (bytes.length < end) {
        break;
      }
      const start = offset + this.headerBytes;
      const message = { header: bytes.subarray(offset, start), body: bytes.subarray(start, end) };
      offset = end;
      yield message;
    }
    this.held = bytes.subarray(offset);
  }
}
