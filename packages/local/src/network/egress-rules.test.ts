import { describe, expect, it } from 'vitest';
import { matches, mayConnect } from './egress-rules.js';

const open = { allowInternetAccess: undefined, network: undefined };
const target = { host: 'registry.example.com', address: '203.0.113.5' };

describe('what a sandbox may reach', () => {
  it('is the internet by default, and never the machine it runs on', () => {
    expect(mayConnect(open, target)).toBe(true);
    for (const address of ['127.0.0.1', '0.0.0.0', '::1', '169.254.169.254', '::ffff:127.0.0.1', 'fe80::1']) {
      expect(mayConnect(open, { host: 'inner', address })).toBe(false);
      expect(mayConnect({ ...open, network: { allowOut: ['0.0.0.0/0'] } }, { host: 'inner', address })).toBe(false);
    }
  });

  it('is nothing without internet access, but for what is allowed by name', () => {
    expect(mayConnect({ allowInternetAccess: false, network: undefined }, target)).toBe(false);
    const network = { allowOut: ['*.example.com'] };
    expect(mayConnect({ allowInternetAccess: false, network }, target)).toBe(true);
    expect(mayConnect({ allowInternetAccess: false, network }, { ...target, host: 'example.org' })).toBe(false);
  });

  it('is what is not denied, and what is allowed wins', () => {
    expect(mayConnect({ ...open, network: { denyOut: ['203.0.113.0/24'] } }, target)).toBe(false);
    expect(mayConnect({ ...open, network: { denyOut: ['0.0.0.0/0'] } }, target)).toBe(false);
    const network = { denyOut: ['0.0.0.0/0'], allowOut: ['registry.example.com'] };
    expect(mayConnect({ ...open, network }, target)).toBe(true);
  });

  it('takes a rule that is no rule for one that matches nothing', () => {
    for (const rule of ['', '/', '10.0.0.0/99', '10.0.0.0/x', ':::', '*.']) {
      expect(matches(rule, target)).toBe(false);
    }
  });
});
