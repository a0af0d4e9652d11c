import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tenantClaimKey, tenantRuntimeName, tenantUserId } from './names.js';

describe('names inside the engine', () => {
  it('never meet for two tenants, whatever they choose', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (one, other, first, second) => {
        fc.pre(one !== other);
        expect(tenantClaimKey(one, first)).not.toBe(tenantClaimKey(other, second));
        expect(tenantUserId(one, first)).not.toBe(tenantUserId(other, second));
        expect(tenantRuntimeName(one, first)).not.toBe(tenantRuntimeName(other, second));
      }),
    );
  });

  it('stay within what the engine takes', () => {
    expect(tenantRuntimeName('acme', 'a'.repeat(48))).toMatch(/^[a-z0-9][a-z0-9._-]{0,62}$/);
  });
});
