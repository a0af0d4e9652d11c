import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { gathered } from './gathered.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('writes of a moment leave together, and the next moment begins anew', () => {
  const calls: string[] = [];
  const hold = gathered({ cork: () => calls.push('cork'), uncork: () => calls.push('uncork') });
  hold();
  hold();
  expect(calls).toEqual(['cork']);
  vi.advanceTimersByTime(2);
  expect(calls).toEqual(['cork', 'uncork']);
  hold();
  vi.advanceTimersByTime(2);
  expect(calls).toEqual(['cork', 'uncork', 'cork', 'uncork']);
});
