import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordReader } from './file-records.js';
import { MessageReader, packFields, unpackFields } from './frames.js';

const fields = fc.array(fc.uint8Array({ maxLength: 200 }));

function message(body: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  pieces.push(bytes.subarray(offset));
  return pieces;
}

describe('frames between host and agent', () => {
  it('come out as they went in, whatever the fields hold', () => {
    fc.assert(
      fc.property(fields, (given) => {
        expect(unpackFields(packFields(given)).map((field) => [...field])).toEqual(given.map((field) => [...field]));
      }),
    );
  });

  it('are read the same however the bytes were cut', () => {
    const sizes = fc.array(fc.nat({ max: 40 }));
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), sizes, (bodies, pieces) => {
        const reader = new MessageReader(9, 1000);
        const bytes = Buffer.concat(bodies.map((body) => message(Buffer.from(body))));
        const read = cut(bytes, pieces).flatMap((piece) => [...reader.read(piece)].map(({ body }) => [...body]));
        expect(read).toEqual(bodies.map((body) => [...body]));
      }),
    );
  });

  it('refuse every malformed message by a RangeError and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        for (const act of [
          () => unpackFields(Buffer.from(noise)),
          () => [...new MessageReader(9, 200).read(Buffer.from(noise))],
          () => [...new RecordReader().read(Buffer.from(noise))],
        ]) {
          try {
            act();
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
    );
  });

  it('do not make the host hold a message over the limit', () => {
    const header = Buffer.alloc(9);
    header.writeUInt32BE(0xffffffff);
    expect(() => [...new MessageReader(9, 1 << 20).read(header)]).toThrow(RangeError);
  });
});
