import { describe, expect, it } from 'vitest';
import { isLoopbackHost, originAllowed } from './origins.js';

describe('originAllowed', () => {
  it.each([
    [undefined, 'h:1', true],
    ['http://h:1', 'h:1', true],
    ['https://app.example', 'h:1', true],
    ['https://evil.example', 'h:1', false],
    ['https://app.example.evil.example', 'h:1', false],
    ['null', 'h:1', false],
    ['http://h:2', 'h:1', false],
  ])('%s at %s: %s', (origin, host, allowed) => {
    expect(originAllowed(origin, host, ['https://app.example'])).toBe(allowed);
  });
});

describe('isLoopbackHost', () => {
  it.each([
    ['localhost:7700', true],
    ['127.0.0.1', true],
    ['[::1]:7700', true],
    ['localhost.evil.example', false],
    ['127.0.0.1.nip.io:7700', false],
    [undefined, false],
  ])('%s: %s', (host, loopback) => {
    expect(isLoopbackHost(host)).toBe(loopback);
  });
});
