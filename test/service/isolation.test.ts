import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestService, type TestService } from './support/start-service.js';

let test: TestService;
let claimId: string;
let sandboxId: string;

beforeEach(async () => {
  test = await startTestService({
    tenants: {
      acme: { tenant: 'acme' },
      globex: { tenant: 'globex' },
      reader: { tenant: 'acme', scopes: ['usage'] },
      expired: { tenant: 'acme', expiresAtMs: 1 },
      operator: { tenant: 'house', scopes: ['operator'] },
    },
  });
  test.manager.stock('node', 5);
  const response = await test.request('POST', '/v1/claims', {
    token: test.token('acme'),
    body: { runtime: 'node', key: 'shared-key', userId: 'ann' },
  });
  const body = await response.json();
  claimId = body.claimId;
  sandboxId = body.connection.sandboxId;
});
afterEach(() => test.close());

function upgradeStatus(path: string, token: string | undefined, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${test.url.replace('http', 'ws')}${path}`, 'pilotlight.v1', {
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', () => {});
  });
}

describe('another tenant', () => {
  it.each([
    ['GET', ''],
    ['POST', '/ack'],
    ['POST', '/renew'],
    ['DELETE', ''],
    ['GET', '/events'],
  ])('cannot %s a claim%s by its id, and cannot tell that it exists', async (method, path) => {
    const body = path === '/renew' ? { lifeMs: 60_000 } : undefined;
    const token = test.token('globex');
    const options = body ? { token, body } : { token };
    const theirs = await test.request(method, `/v1/claims/${claimId}${path}`, options);
    const nobodys = await test.request(method, `/v1/claims/c_${'x'.repeat(22)}${path}`, options);
    expect([theirs.status, nobodys.status]).toEqual([404, 404]);
    expect((await theirs.json()).error.code).toBe('claim_unknown');
    expect(test.manager.retired).toEqual([]);
  });

  it('gets its own sandbox under the same key and the same user id', async () => {
    const response = await test.request('POST', '/v1/claims', {
      token: test.token('globex'),
      body: { runtime: 'node', key: 'shared-key', userId: 'ann' },
    });
    expect((await response.json()).connection.sandboxId).not.toBe(sandboxId);
    const [first, second] = test.manager.requests.map(({ request }) => request);
    expect(first?.key).not.toBe(second?.key);
    expect(first?.userId).not.toBe(second?.userId);
  });

  it('lists none of the claims', async () => {
    const response = await test.request('GET', '/v1/claims', { token: test.token('globex') });
    expect(await response.json()).toEqual({ claims: [] });
  });

  it('can neither claim from a runtime of its neighbour nor see it, but may use the same name', async () => {
    await test.request('PUT', '/v1/runtimes/mine', { token: test.token('acme'), body: { template: 'acme-secret' } });
    const token = test.token('globex');
    const refused = await test.request('POST', '/v1/claims', { token, body: { runtime: 'mine' } });
    expect(refused.status).toBe(404);
    expect(await (await test.request('GET', '/v1/runtimes', { token })).text()).not.toContain('acme-secret');
    await test.request('PUT', '/v1/runtimes/mine', { token, body: { template: 'globex-own' } });
    await test.request('POST', '/v1/claims', { token: test.token('acme'), body: { runtime: 'mine' } });
    await test.request('POST', '/v1/claims', { token, body: { runtime: 'mine' } });
    const [acmes, globexs] = test.manager.requests.slice(-2).map(({ runtime }) => runtime);
    expect(acmes).not.toBe(globexs);
  });

  it("cannot reach a runtime by the engine's name for it", async () => {
    await test.request('PUT', '/v1/runtimes/mine', { token: test.token('acme'), body: {} });
    await test.request('POST', '/v1/claims', { token: test.token('acme'), body: { runtime: 'mine' } });
    const pool = test.manager.requests.at(-1)!.runtime;
    const response = await test.request('POST', '/v1/claims', { token: test.token('globex'), body: { runtime: pool } });
    expect(response.status).toBe(404);
  });

  it("cannot pause the operator's pool or its neighbour's", async () => {
    const token = test.token('globex');
    const shared = await test.request('PATCH', '/v1/pools/node', { token, body: { state: 'paused' } });
    expect(shared.status).toBe(403);
    await test.request('PUT', '/v1/runtimes/mine', { token: test.token('acme'), body: {} });
    expect((await test.request('PATCH', '/v1/pools/mine', { token, body: { state: 'paused' } })).status).toBe(404);
  });

  it('cannot open a terminal in the sandbox, and neither can the operator', async () => {
    expect(await upgradeStatus(`/v1/sandboxes/${sandboxId}/terminal`, test.token('globex'))).toBe(404);
    expect(await upgradeStatus(`/v1/sandboxes/${sandboxId}/terminal`, test.token('operator'))).toBe(404);
    expect(await upgradeStatus(`/v1/sandboxes/nobody/terminal`, test.token('acme'))).toBe(404);
    expect(await upgradeStatus(`/v1/sandboxes/${sandboxId}/terminal`, test.token('acme'))).toBe(101);
  });

  it('hears nothing of the events, however it asks', async () => {
    const heard: { type: string; claimId?: string }[] = [];
    const socket = new WebSocket(`${test.url.replace('http', 'ws')}/v1/events`, 'pilotlight.v1', {
      headers: { authorization: `Bearer ${test.token('globex')}` },
    });
    socket.on('message', (data) => heard.push(JSON.parse(data.toString())));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ type: 'follow', lastEventId: '0-0' }));
    socket.send(JSON.stringify({ type: 'follow', claimId }));
    await test.request('DELETE', `/v1/claims/${claimId}`, { token: test.token('acme') });
    const own = await test.request('POST', '/v1/claims', { token: test.token('globex'), body: { runtime: 'node' } });
    const ownId = (await own.json()).claimId;
    await expect.poll(() => heard.some((event) => event.claimId === ownId)).toBe(true);
    expect(heard.filter((event) => event.claimId === claimId).map((event) => event.type)).toEqual(['refused']);
    socket.terminate();
  });
});

describe('a token', () => {
  it.each(['', 'Bearer', 'Bearer x', 'Basic YTpi', `Bearer plt_aaaaaaaaaaaaaaaa_${'A'.repeat(43)}`])(
    'that is not one (%j) is refused',
    async (authorization) => {
      const response = await test.request('GET', '/v1/claims', { headers: { authorization } });
      expect(response.status).toBe(401);
      expect((await response.json()).error.code).toBe('unauthenticated');
    },
  );

  it('that has expired or lacks the scope is refused', async () => {
    expect((await test.request('GET', '/v1/claims', { token: test.token('expired') })).status).toBe(401);
    expect((await test.request('GET', '/v1/claims', { token: test.token('reader') })).status).toBe(403);
    expect(await upgradeStatus('/v1/events', test.token('reader'))).toBe(403);
    expect(await upgradeStatus('/v1/events', undefined)).toBe(401);
  });

  it('is guessed slowly', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 33; attempt += 1) {
      statuses.push(
        (await test.request('GET', '/v1/claims', { token: `plt_${'a'.repeat(16)}_${'B'.repeat(43)}` })).status,
      );
    }
    expect(statuses.at(-1)).toBe(429);
    expect((await test.request('GET', '/healthz')).status).toBe(200);
  });

  it('never stands in the log, nor does what it opens', async () => {
    const token = test.token('acme');
    await test.request('GET', `/v1/claims/${claimId}`, { token });
    await test.request('GET', '/v1/claims', { token: `${token}x` });
    const written = test.logged.join('');
    expect(written).toContain(claimId);
    expect(written).not.toContain(token);
    expect(written).not.toContain('envd-secret');
  });
});

describe('a page of another site', () => {
  it('is refused over HTTP and over WebSocket', async () => {
    const headers = { origin: 'https://evil.example' };
    const token = test.token('acme');
    expect((await test.request('GET', '/v1/claims', { token, headers })).status).toBe(403);
    expect(await upgradeStatus('/v1/events', token, headers)).toBe(403);
  });

  it('cannot use the development mode of the machine it is shown on, nor a rebound name', async () => {
    const dev = await startTestService({ config: { allowAnonymousLoopback: true } });
    try {
      expect((await dev.request('GET', '/v1/claims')).status).toBe(200);
      expect((await dev.request('GET', '/v1/claims', { headers: { origin: 'https://evil.example' } })).status).toBe(
        403,
      );
      const { request } = await import('node:http');
      const status = await new Promise((resolve) => {
        const { port } = new URL(dev.url);
        const options = { port, host: '127.0.0.1', path: '/v1/claims', headers: { host: 'evil.example' } };
        request(options, (response) => resolve(response.resume().statusCode)).end();
      });
      expect(status).toBe(403);
    } finally {
      await dev.close();
    }
  });
});
