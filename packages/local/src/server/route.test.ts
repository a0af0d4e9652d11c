import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeOf } from './route.js';

describe('whom a request is for', () => {
  it('is said by the routing headers first, then by the host name, then by the path', () => {
    const headers = { 'e2b-sandbox-id': 'one', 'e2b-sandbox-port': '80', host: '90-two.example' };
    expect(routeOf('GET', '/', headers)).toEqual({ kind: 'data', sandboxId: 'one', port: 80 });
    expect(routeOf('GET', '/', { host: '90-two.example' })).toEqual({ kind: 'data', sandboxId: 'two', port: 90 });
    expect(routeOf('GET', '/files?path=x', {})).toMatchObject({ kind: 'signed' });
    expect(routeOf('GET', '/files?path=x', { 'x-api-key': 'k' })).toEqual({ kind: 'control' });
    expect(routeOf('GET', '/sandboxes', { host: '127.0.0.1:3000' })).toEqual({ kind: 'control' });
  });

  it('is the commands port of a sandbox when the port is not said', () => {
    expect(routeOf('GET', '/', { 'e2b-sandbox-id': 'one' })).toEqual({ kind: 'data', sandboxId: 'one', port: 49983 });
  });

  it('never throws and never gives a port that is none', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (id, port, host) => {
        const route = routeOf('GET', '/', { 'e2b-sandbox-id': id, 'e2b-sandbox-port': port, host });
        if (route.kind === 'data') {
          expect(route.port).toSatisfy((value: number) => Number.isInteger(value) && value > 0 && value < 65_536);
        } else {
          expect(route.kind).toBe('unusable');
        }
      }),
    );
  });
});
