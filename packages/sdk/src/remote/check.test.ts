import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal, isWireClaim, isWireErrorBody, isWireEvent, isWireIntent, isWirePoolList } from './check.js';

const checks = { isRefusal, isWireClaim, isWireErrorBody, isWireEvent, isWireIntent, isWirePoolList };

describe('what a service answers', () => {
  it.each(Object.entries(checks))('%s never throws, whatever came', (_name, check) => {
    fc.assert(fc.property(fc.anything(), (value) => typeof check(value) === 'boolean'));
  });

  it('is a claim when it has an id and a state', () => {
    expect(isWireClaim({ claimId: 'c', state: 'HOT' })).toBe(true);
    expect(isWireClaim({ claimId: 'c' })).toBe(false);
    expect(isWireClaim('<html>')).toBe(false);
  });

  it('is an event only with an id, so that a refusal is none', () => {
    const refused = { type: 'refused', error: { code: 'not_found', message: 'There is no such claim.' } };
    expect([isWireEvent(refused), isRefusal(refused)]).toEqual([false, true]);
    const event = { type: 'claim-progress', id: '1' };
    expect([isWireEvent(event), isRefusal(event)]).toEqual([true, false]);
  });
});
