import { connect, type Socket } from 'node:net';
import { wireErrorBody } from '@pilotlight/warming/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryClaimBook } from '../../packages/warmer/src/adapters/memory-book.js';
import type { ClaimBook } from '../../packages/warmer/src/claims/book.js';
import { WarmerError } from '../../packages/warmer/src/errors.js';
import { compareEventIds } from '../../packages/warmer/src/events/log.js';
import { startTestService, type TestService } from './support/start-service.js';

let test: TestService;
beforeAll(async () => {
  test = await startTestService({ config: { limits: { bodyBytes: 100_000, requestsPerSecond: 100_000 } } });
});
afterAll(() => test.close());

async function expectError(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(wireErrorBody.parse(await response.json()).error.code).toBe(code);
}

const post = (body: unknown, headers: Record<string, string> = {}) =>
  test.request('POST', '/v1/claims', { token: test.token('acme'), body, headers });

function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const { port } = new URL(test.url);
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', () => resolve(answer));
  });
}

describe('every bad request gets the one error shape', () => {
  it('malformed JSON', async () => expectError(await post('{"runtime":'), 400, 'invalid_request'));
  it('a body that is not JSON', async () =>
    expectError(await post('<xml/>', { 'content-type': 'application/xml' }), 415, 'unsupported_media_type'));
  it('a huge body', async () => expectError(await post({ runtime: 'x'.repeat(200_000) }), 413, 'payload_too_large'));
  it('a wrong field, by name and without its value', async () => {
    const response = await post({ runtime: 'node', lifeMs: 'secret-value', extra: 1 });
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).toContain('lifeMs');
    expect(text).not.toContain('secret-value');
  });
  it('a prototype in the body', async () =>
    expectError(await post('{"runtime":"node","__proto__":{"isAdmin":true}}'), 400, 'invalid_request'));
  it('an unknown path', async () =>
    expectError(await test.request('GET', '/v1/nothing', { token: test.token('acme') }), 404, 'not_found'));
  it('an unknown method', async () =>
    expectError(await test.request('PUT', '/v1/claims', { token: test.token('acme'), body: {} }), 404, 'not_found'));
  it('an id that is none', async () =>
    expectError(
      await test.request('GET', '/v1/claims/..%2f..%2fetc', { token: test.token('acme') }),
      400,
      'invalid_request',
    ));
  it('an Idempotency-Key that is none', async () =>
    expectError(await post({ runtime: 'node' }, { 'idempotency-key': 'a b' }), 400, 'invalid_request'));
  it('something that is no HTTP', async () => {
    const answer = await raw('\x16\x03\x01 hello\r\n\r\n');
    expect(answer).toContain('400 Bad Request');
    expect(wireErrorBody.parse(JSON.parse(answer.split('\r\n\r\n')[1]!)).error.code).toBe('invalid_request');
  });
  it('headers without end', async () => {
    expect(await raw(`GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`)).toContain('431');
  });

  it('an engine that fails in a way nobody foresaw says nothing of its insides', async () => {
    test.manager.failNext = new Error('postgres://user:password@host');
    const response = await post({ runtime: 'node' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('password');
  });

  it('any JSON whatever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.constantFrom('/v1/claims', '/v1/intents'), async (json, path) => {
        const response = await test.request('POST', path, { token: test.token('acme'), body: json });
        expect(response.status).toBe(400);
        wireErrorBody.parse(await response.json());
      }),
      { numRuns: 100 },
    );
  });

  it('any header and path whatever', async () => {
    const text = fc.string({ unit: fc.constantFrom(...'abc/%.?#&=-_~0123 {}"<>\\'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, text, async (path, authorization) => {
        // A path that climbs out of the API is another one before it is sent.
        fc.pre(new URL(`/v1/${encodeURI(path)}`, test.url).pathname.startsWith('/v1/'));
        const response = await test.request('GET', `/v1/${encodeURI(path)}`, { headers: { authorization } });
        expect([400, 401, 404, 429]).toContain(response.status);
        wireErrorBody.parse(await response.json());
      }),
      { numRuns: 100 },
    );
  });
});

describe('connections that are opened and left', () => {
  it('10,000 half-open ones do not keep a client from its answer', async () => {
    const { port } = new URL(test.url);
    const sockets: Socket[] = [];
    try {
      for (let batch = 0; batch < 20; batch += 1) {
        await Promise.all(
          Array.from(
            { length: 500 },
            () =>
              new Promise<void>((resolve) => {
                const socket = connect(Number(port), '127.0.0.1', () => {
                  socket.write('POST /v1/claims HTTP/1.1\r\nhost: localhost\r\n');
                  resolve();
                });
                socket.on('error', () => resolve());
                sockets.push(socket);
              }),
          ),
        );
      }
      expect((await test.request('GET', '/healthz')).status).toBe(200);
      expect((await post({ runtime: 'node' })).status).toBe(202);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe('a repeated request', () => {
  it('gets the first answer again, and does nothing twice', async () => {
    const body = { runtime: 'node', userId: 'repeat' };
    const intent = (content: unknown) =>
      test.request('POST', '/v1/intents', {
        token: test.token('acme'),
        body: content,
        headers: { 'idempotency-key': 'intent-1' },
      });
    const first = await intent(body);
    const second = await intent(body);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.headers.get('idempotent-replay')).toBe('true');
    expect(await second.json()).toEqual(await first.json());
    expect(test.manager.intents.filter((known) => known.runtime === 'node')).toHaveLength(1);
    await expectError(await intent({ ...body, userId: 'other' }), 422, 'idempotency_conflict');
  });

  it('of an intent for the same user gives the same intent, whose end does not move', async () => {
    const ask = () =>
      test.request('POST', '/v1/intents', { token: test.token('acme'), body: { runtime: 'node', userId: 'same' } });
    const [first, second] = [await (await ask()).json(), await (await ask()).json()];
    expect(second).toEqual(first);
    const gone = await test.request('DELETE', `/v1/intents/${first.intentId}`, { token: test.token('globex') });
    expect(gone.status).toBe(204);
    expect(test.manager.intents.at(-1)?.cancelled).toBe(false);
    await test.request('DELETE', `/v1/intents/${first.intentId}`, { token: test.token('acme') });
    expect(test.manager.intents.at(-1)?.cancelled).toBe(true);
  });
});

describe('a clock that jumps', () => {
  it('an hour ahead and two back: claims go on, events keep their order, and numbers stay numbers', async () => {
    let offsetMs = 0;
    const jumping = await startTestService({ now: () => Date.now() + offsetMs });
    try {
      const token = jumping.token('acme');
      const events: string[] = [];
      jumping.service.context.hub.log.subscribe(({ event }) => events.push(event.id));
      const claimIds: string[] = [];
      for (const jumpMs of [0, 3_600_000, -7_200_000]) {
        offsetMs += jumpMs;
        const response = await jumping.request('POST', '/v1/claims', { token, body: { runtime: 'node' } });
        expect(response.status).toBe(202);
        claimIds.push((await response.json()).claimId);
      }
      for (const claimId of claimIds) {
        const response = await jumping.request('GET', `/v1/claims/${claimId}`, { token });
        expect(await response.json()).toMatchObject({ state: 'WARMING', claimId });
      }
      expect(events).toEqual([...events].sort(compareEventIds));
      expect(new Set(events).size).toBe(events.length);
      const usage = await (await jumping.request('GET', '/v1/usage', { token })).json();
      expect(usage).toMatchObject({ claims: { warming: 3 }, sandboxSeconds: 0 });
      expect((await jumping.request('GET', '/v1/claims', { token: jumping.token('globex') })).status).toBe(200);
    } finally {
      await jumping.close();
    }
  });
});

describe('a store that is away for a minute', () => {
  it('gets every claim an honest 503 with when to come back, and claims go on after it without a trace of it', async () => {
    let nowMs = 1_800_000_000_000;
    const book = new MemoryClaimBook();
    let away = false;
    const gone = () =>
      new WarmerError('unavailable', 'The store is away. Try again in a few seconds.', { retryAfterMs: 2_000 });
    const fragile: ClaimBook = new Proxy(book, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => (away ? Promise.reject(gone()) : value.apply(target, given));
      },
    });
    const lossy = await startTestService({ book: fragile, now: () => nowMs });
    try {
      const token = lossy.token('acme');
      const claim = (key: string) => lossy.request('POST', '/v1/claims', { token, body: { runtime: 'node', key } });
      const before = await (await claim('before')).json();
      away = true;
      for (let second = 0; second < 60; second += 5) {
        nowMs += 5_000;
        const refused = await claim(`during-${second}`);
        expect(refused.headers.get('retry-after')).toBe('2');
        await expectError(refused, 503, 'unavailable');
        expect((await lossy.request('GET', '/healthz')).status).toBe(200);
        expect((await lossy.request('GET', '/readyz')).status).toBe(503);
        // What this process holds itself it may still tell.
        const known = await lossy.request('GET', `/v1/claims/${before.claimId}`, { token });
        expect(await known.json()).toMatchObject({ state: 'WARMING', claimId: before.claimId });
      }
      away = false;
      expect((await lossy.request('GET', '/readyz')).status).toBe(200);
      expect((await (await claim('before')).json()).claimId).toBe(before.claimId);
      expect((await claim('after')).status).toBe(202);
    } finally {
      await lossy.close();
    }
  });
});
