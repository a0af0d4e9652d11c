import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClaimRecord } from './record.js';
import { recordSealer } from './seal.js';

const sealer = recordSealer(randomBytes(32).toString('hex'));
const hot: ClaimRecord = {
  claimId: 'c_1',
  tenant: 'acme',
  runtime: 'node',
  pool: 'node',
  key: 'k',
  userId: undefined,
  fingerprint: 'f',
  createdAtMs: 1,
  details: undefined,
  forgetAtMs: 2,
  status: {
    state: 'HOT',
    source: 'hot',
    latencyMs: 1,
    expiresAtMs: 3,
    acked: true,
    connection: { sandboxId: 's', envdVersion: '0', envdAccessToken: 'the-secret' },
  },
};

describe('a sealed record', () => {
  it('opens to what it was, and shows nothing that opens a sandbox', () => {
    const text = sealer.seal(hot);
    expect(text).not.toContain('the-secret');
    expect(sealer.open(text)).toEqual(hot);
  });

  it('carries files of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        const files = [
          { path: 'a', content: Buffer.from(bytes) },
          { path: 'b', content: text },
        ];
        const record: ClaimRecord = {
          ...hot,
          details: { priority: 'background', files, memory: { env: {}, files } },
          status: { state: 'CANCELLED', progress: 0, elapsedMs: 0 },
        };
        expect(sealer.open(sealer.seal(record))?.details).toEqual(record.details);
      }),
    );
  });

  it('does not open with another key, for another tenant, or when it was changed', () => {
    const text = sealer.seal(hot);
    expect(recordSealer(randomBytes(32).toString('hex')).open(text)).toBeUndefined();
    expect(sealer.open(text.replace('"acme"', '"globex"'))).toBeUndefined();
    expect(sealer.open(text.replace(/"sealed":"./, '"sealed":"A'))?.status).not.toEqual({});
    expect(sealer.open('not json')).toBeUndefined();
  });
});
