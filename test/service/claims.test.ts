import { WarmUpError } from '@pilotlight/warming';
import { wireClaim, wireErrorBody } from '@pilotlight/warming/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from './support/start-service.js';

let test: TestService;
beforeEach(async () => {
  test = await startTestService();
});
afterEach(() => test.close());

const claim = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}, name = 'acme') =>
  test.request('POST', '/v1/claims', { token: test.token(name), body: { runtime: 'node', ...body }, headers });

describe('POST /v1/claims', () => {
  it('answers 200 HOT with the sandbox when one is hot', async () => {
    test.manager.stock('node', 1);
    const response = await claim({ userId: 'ann' });
    expect(response.status).toBe(200);
    expect(wireClaim.parse(await response.json())).toMatchObject({
      state: 'HOT',
      runtime: 'node',
      userId: 'ann',
      connection: { envdAccessToken: expect.any(String), sandboxUrl: 'http://127.0.0.1:1' },
    });
  });

  it('answers 202 WARMING with progress, ETA and the reason when none is', async () => {
    const response = await claim();
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ state: 'WARMING', reason: 'pool_empty', eta: { samples: 0 } });
  });

  it('gives the same claim for the same key, also when both requests run at once', async () => {
    test.manager.stock('node', 5);
    const [first, second] = await Promise.all([claim({ key: 'k' }), claim({ key: 'k' })]);
    const third = await claim({ key: 'k' });
    const ids = await Promise.all([first, second, third].map(async (response) => (await response.json()).claimId));
    expect(new Set(ids).size).toBe(1);
  });

  it('takes the Idempotency-Key header for the key', async () => {
    test.manager.stock('node', 5);
    const first = await (await claim({}, { 'idempotency-key': 'once' })).json();
    const second = await (await claim({}, { 'idempotency-key': 'once' })).json();
    expect(second.claimId).toBe(first.claimId);
  });

  it('refuses the same key for another request', async () => {
    test.manager.stock('node', 5);
    await claim({ key: 'k' });
    const response = await claim({ key: 'k', lifeMs: 60_000 });
    expect(response.status).toBe(409);
    expect((await response.json()).error.code).toBe('claim_conflict');
  });

  it('passes files on and has no field for secrets', async () => {
    test.manager.stock('node', 1);
    await claim({ files: [{ path: 'a', content: 'aGk=', encoding: 'base64' }] });
    expect(test.manager.requests[0]?.request.files).toEqual([{ path: 'a', content: Buffer.from('hi') }]);
    const response = await claim({ env: { TOKEN: 'x' } });
    expect(response.status).toBe(400);
  });

  it('tells an unknown runtime what there is', async () => {
    const response = await claim({ runtime: 'ruby' });
    expect(response.status).toBe(404);
    const { error } = wireErrorBody.parse(await response.json());
    expect(error).toMatchObject({ code: 'unknown_runtime', requestId: expect.any(String) });
    expect(error.message).toContain('node');
  });
});

describe('a claim on its way', () => {
  it('is followed by polling to HOT, and its progress never falls', async () => {
    const { claimId } = await (await claim()).json();
    const [engineId] = test.manager.warmingIds();
    test.manager.progress(engineId!, 0.6);
    test.manager.progress(engineId!, 0.4);
    test.manager.finish(engineId!);
    await expect
      .poll(
        async () =>
          (await (await test.request('GET', `/v1/claims/${claimId}`, { token: test.token('acme') })).json()).state,
      )
      .toBe('HOT');
  });

  it('can be acked, renewed and retired once it is hot', async () => {
    test.manager.stock('node', 1);
    const { claimId, connection } = await (await claim()).json();
    const token = test.token('acme');
    const acked = await test.request('POST', `/v1/claims/${claimId}/ack`, { token });
    expect(await acked.json()).toMatchObject({ acked: true });
    const renewed = await test.request('POST', `/v1/claims/${claimId}/renew`, { token, body: { lifeMs: 900_000 } });
    expect((await renewed.json()).expiresAtMs).toBeGreaterThan(Date.now() + 800_000);
    const retired = await test.request('DELETE', `/v1/claims/${claimId}`, { token });
    expect(await retired.json()).toMatchObject({ state: 'RETIRED' });
    const again = await test.request('DELETE', `/v1/claims/${claimId}`, { token });
    expect(again.status).toBe(200);
    expect(test.manager.retired).toEqual([connection.sandboxId]);
    expect((await test.request('POST', `/v1/claims/${claimId}/ack`, { token })).status).toBe(410);
  });

  it('can be cancelled', async () => {
    const { claimId } = await (await claim()).json();
    const response = await test.request('DELETE', `/v1/claims/${claimId}`, { token: test.token('acme') });
    expect(await response.json()).toMatchObject({ state: 'CANCELLED' });
    expect(test.manager.warmingIds()).toEqual([]);
  });

  it("shows a failed step's output to the owner of the runtime only", async () => {
    const failure = new WarmUpError({
      runtime: 'node',
      step: 'install',
      command: 'curl secret-host',
      exitCode: 7,
      outputTail: 'operator secret',
    });
    const { claimId } = await (await claim()).json();
    test.manager.fail(test.manager.warmingIds()[0]!, failure);
    const read = async () => (await test.request('GET', `/v1/claims/${claimId}`, { token: test.token('acme') })).json();
    await expect.poll(async () => (await read()).state).toBe('FAILED');
    expect(JSON.stringify(await read())).not.toContain('operator secret');
    expect((await read()).error.code).toBe('warm_up_failed');

    const token = test.token('acme');
    await test.request('PUT', '/v1/runtimes/mine', { token, body: { ready: { command: 'true' } } });
    const own = await (await claim({ runtime: 'mine' })).json();
    test.manager.fail(test.manager.warmingIds()[0]!, failure);
    await expect
      .poll(async () =>
        JSON.stringify(await (await test.request('GET', `/v1/claims/${own.claimId}`, { token })).json()),
      )
      .toContain('operator secret');
  });
});
