import { describe, expect, it } from 'vitest';
import { OutputWindow } from './window.js';

const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe('OutputWindow', () => {
  it('holds the terminal back until its viewer has taken enough', async () => {
    const window = new OutputWindow(10);
    const sent: number[] = [];
    window.attach((part) => sent.push(part.length));
    await window.push(bytes(6));
    let free = false;
    const pushed = window.push(bytes(6)).then(() => {
      free = true;
    });
    await Promise.resolve();
    expect([sent, free]).toEqual([[6, 6], false]);
    window.consumed(6);
    await pushed;
    expect(free).toBe(true);
  });

  it('keeps output for the next viewer, bounded, and loses none', async () => {
    const window = new OutputWindow(10);
    await window.push(bytes(4));
    const waiting = window.push(bytes(8));
    const sent: number[] = [];
    window.attach((part) => sent.push(part.length));
    expect(sent).toEqual([4, 8]);
    window.consumed(12);
    await waiting;
  });
});
