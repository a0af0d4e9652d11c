import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KernelMessage, KernelReader } from './kernel-messages.js';

function readAll(chunks: readonly Uint8Array[]) {
  const seen: (KernelMessage | string)[] = [];
  const reader = new KernelReader(
    'marker',
    (message) => seen.push(message),
    (text) => {
      const last = seen.at(-1);
      if (typeof last === 'string') {
        seen[seen.length - 1] = last + text;
      } else {
        seen.push(text);
      }
    },
  );
  for (const chunk of chunks) {
    reader.read(chunk);
  }
  return seen;
}

const line = (message: KernelMessage) => `\u001emarker${JSON.stringify(message)}\n`;

describe('the messages of a kernel', () => {
  it('are told from text, wherever the bytes are cut', () => {
    const message = fc
      .record({ type: fc.constant('stdout' as const), text: fc.string({ unit: 'grapheme' }) })
      .map((value): KernelMessage | string => value);
    const text = fc.string({ minLength: 1 }).filter((value) => !value.includes('\u001emarker'));
    fc.assert(
      fc.property(fc.array(fc.oneof(message, text)), fc.array(fc.nat(40)), (parts, cuts) => {
        const whole = `${parts.map((part) => (typeof part === 'string' ? part : line(part))).join('')}${line({ type: 'end' })}`;
        const bytes = Buffer.from(whole);
        const chunks: Buffer[] = [];
        let offset = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(offset, offset + cut));
          offset += cut;
        }
        chunks.push(bytes.subarray(offset));
        expect(readAll(chunks)).toEqual(readAll([bytes]));
        expect(readAll(chunks).at(-1)).toEqual({ type: 'end' });
      }),
    );
  });

  it('are dropped when they are none', () => {
    expect(readAll([Buffer.from('\u001emarker{"type":"other"}\n\u001emarker{\n')])).toEqual([]);
  });
});
