import { describe, expect, it } from 'vitest';
import { judge } from '../../bench/gates/gate.js';
import { markdownTable, replaceBetween } from '../../bench/support/results.js';

describe('a performance gate', () => {
  const gate = { limit: 1.2, history: [1, 1.2, 1.1] };

  it('passes up to its limit and the tolerance', () => {
    expect(judge(gate, 1.5, 0.25).pass).toBe(true);
    expect(judge(gate, 1.51, 0.25).pass).toBe(false);
  });

  it('does not pass without a measurement', () => {
    expect(judge(gate, Number.NaN, 0.25).pass).toBe(false);
  });

  it('tells the drift from the median of its history', () => {
    expect(judge(gate, 1.21, 0.25).drift).toBeCloseTo(0.1);
    expect(judge({ limit: 1, history: [] }, 1, 0).drift).toBeUndefined();
  });
});

describe('a generated table', () => {
  it('replaces what stands between its markers and nothing else', () => {
    const text = 'before\n<!-- tti:start -->\nold\n<!-- tti:end -->\nafter';
    expect(replaceBetween(text, 'tti', 'new')).toBe('before\n<!-- tti:start -->\nnew\n<!-- tti:end -->\nafter');
    expect(replaceBetween('no markers', 'tti', 'new')).toBeUndefined();
  });

  it('has columns of one width', () => {
    expect(markdownTable(['way', 'p50'], [['hot', '12.5']])).toBe('| way |  p50 |\n| --- | ---: |\n| hot | 12.5 |');
  });
});
