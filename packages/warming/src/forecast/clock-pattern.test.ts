import { describe, expect, it } from 'vitest';
import { ClockPattern } from './clock-pattern.js';

describe('the clock pattern of a runtime', () => {
  it('tells the second of a minute from minutes that are over alone', () => {
    const pattern = new ClockPattern();
    for (let minute = 0; minute < 20; minute++) pattern.add(minute * 60 + 30);
    const told = pattern.phaseFactor(30, 33);
    expect(told).toBeGreaterThan(1);
    for (let claim = 0; claim < 400; claim++) pattern.add(20 * 60 + 6 + claim / 200);
    expect(pattern.phaseFactor(30, 33)).toBeCloseTo(told, 1);
    expect(pattern.phaseFactor(6, 9)).toBeLessThan(0);
  });

  it('takes a busy runtime without a second of its own for what it is', () => {
    const pattern = new ClockPattern();
    for (let claim = 0; claim < 6_000; claim++) pattern.add(claim / 8);
    expect(pattern.peak().share).toBeLessThan(0.1);
    expect(Math.abs(pattern.phaseFactor(12, 15))).toBeLessThan(0.2);
  });
});
