import { expect, it } from 'vitest';
import { ClaimChance } from './claim-chance.js';
import { FIXED_INPUTS } from './fixed-inputs.js';

const fixed = new Float32Array(FIXED_INPUTS);

it('does no worse than the base rate when the model doubts a runtime that hardly ever falls silent', () => {
  const chance = new ClaimChance();
  let seconds = 0;
  for (let claim = 0; claim < 5_000; claim++) {
    const doubt = claim % 50 === 7;
    chance.claim('busy', seconds, fixed, doubt ? 0.6 : 0.999);
    seconds += claim % 500 === 499 ? 700 : 10;
  }
  const report = chance.report();
  expect(report.count).toBeGreaterThan(4_900);
  expect(report.brierSkill).toBeGreaterThan(-0.05);
  expect(report.expectedCalibrationError).toBeLessThan(0.02);
});

it('follows a model that knows when claims come', () => {
  const chance = new ClaimChance();
  let seconds = 0;
  for (let claim = 0; claim < 2_000; claim++) {
    const soon = claim % 3 !== 0;
    chance.claim('phased', seconds, fixed, soon ? 0.9 : 0.1);
    seconds += soon ? 60 : 4_000;
  }
  expect(chance.report().brierSkill).toBeGreaterThan(0.8);
});
