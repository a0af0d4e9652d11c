import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealerOf } from './seal.js';

const connection = { sandboxId: 's', envdVersion: '0.6.13', envdAccessToken: 'token', trafficAccessToken: 'traffic' };

describe('the seal of connection secrets', () => {
  it('opens with the same passphrase, and the text shows nothing', () => {
    const sealer = sealerOf('a passphrase of some length');
    const sealed = sealer.seal(connection);
    expect(sealed).not.toMatch(/token|traffic/);
    expect(sealer.open({ sandboxId: 's', envdVersion: '0.6.13', sealed })).toEqual({
      ...connection,
      sandboxDomain: undefined,
    });
  });

  it('does not open with another passphrase, for another sandbox, or when tampered with', () => {
    const sealer = sealerOf('a passphrase of some length');
    const place = { sandboxId: 's', envdVersion: '0.6.13', sealed: sealer.seal(connection) };
    expect(sealerOf('another passphrase').open(place)).toBeUndefined();
    expect(sealer.open({ ...place, sandboxId: 'other' })).toBeUndefined();
    fc.assert(fc.property(fc.string(), (garbage) => sealer.open({ ...place, sealed: garbage }) === undefined));
  });
});
