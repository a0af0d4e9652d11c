import { connect } from 'node:net';
import type { Sandbox } from 'e2b';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useHost } from './support.js';

describe('bad input', () => {
  const at = useHost();
  let sandbox: Sandbox;
  let headers: Record<string, string>;
  beforeAll(async () => {
    sandbox = await at.e2b.Sandbox.create({ timeoutMs: 600_000 });
    headers = {
      'E2b-Sandbox-Id': sandbox.sandboxId,
      'X-Access-Token': String(Reflect.get(sandbox, 'envdAccessToken')),
    };
  });
  afterAll(() => sandbox.kill());
  const alive = async () => expect((await sandbox.commands.run('echo ok')).stdout).toBe('ok\n');
  const post = (path: string, type: string, body: Uint8Array) =>
    fetch(`${at.host.sandboxUrl}${path}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': type },
      body: Buffer.from(body),
    });

  const framed = (length: number, body: string | Uint8Array, flags = 0) => {
    const head = Buffer.from([flags, 0, 0, 0, 0]);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, Buffer.from(body)]);
  };
  const start = JSON.stringify({ process: { cmd: '/bin/true' } });
  const notJson = fc.string({ minLength: 1 }).filter((text) => {
    try {
      const value = JSON.parse(text);
      return typeof value !== 'object' || value === null || Array.isArray(value);
    } catch {
      return true;
    }
  });
  const malformed = fc.oneof(
    fc
      .integer({ min: 0, max: start.length + 4 })
      .map((cut) => ({ frame: framed(start.length, start).subarray(0, cut), code: 'invalid_argument' })),
    notJson.map((text) => ({ frame: framed(Buffer.byteLength(text), text), code: 'invalid_argument' })),
    fc
      .integer({ min: 32 * 1024 * 1024 + 1, max: 0xffffffff })
      .map((length) => ({ frame: framed(length, start), code: 'resource_exhausted' })),
    fc.constant({
      frame: Buffer.concat([framed(start.length, start), framed(start.length, start)]),
      code: 'invalid_argument',
    }),
    fc.constant({ frame: framed(2, '{}'), code: 'invalid_argument' }),
  );

  it('answers every malformed frame with one frame that says what is wrong, and goes on', async () => {
    await fc.assert(
      fc.asyncProperty(malformed, fc.constantFrom('Start', 'Connect'), async ({ frame, code }, method) => {
        const answer = await post(`/process.Process/${method}`, 'application/connect+json', frame);
        expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/connect+json']);
        const bytes = Buffer.from(await answer.arrayBuffer());
        expect(bytes.readUInt8(0)).toBe(2);
        expect(bytes.readUInt32BE(1)).toBe(bytes.length - 5);
        expect(JSON.parse(bytes.subarray(5).toString())).toMatchObject({ error: { code } });
      }),
      { numRuns: 80 },
    );
    await alive();
  });

  it('answers every malformed message, unknown method and unknown type with its own status', async () => {
    await fc.assert(
      fc.asyncProperty(notJson, async (text) => {
        const path = '/filesystem.Filesystem/Stat';
        const answer = await post(path, 'application/json', Buffer.from(text));
        expect([answer.status, await answer.json()]).toEqual([
          400,
          expect.objectContaining({ code: 'invalid_argument' }),
        ]);
        expect((await post(path, 'text/plain', Buffer.from(text))).status).toBe(415);
        expect((await post('/none.None/None', 'application/json', Buffer.from(text))).status).toBe(404);
      }),
      { numRuns: 40 },
    );
    await alive();
  });

  it('takes any path for one inside of the sandbox', async () => {
    const part = fc.constantFrom('..', '.', '~', 'a', '', '\u0000', '\n', '%2e%2e', 'etc', 'proc/1/root', 'dev/fd/3');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), fc.boolean(), async (parts, absolute) => {
        const path = `${absolute ? '/' : ''}${parts.join('/')}`;
        const read = await sandbox.files.read(path).catch((error: Error) => error.message);
        expect(read).not.toContain('owner.json');
        const listed = await sandbox.files.list(path || '/').catch(() => []);
        expect(listed.map((entry) => entry.name)).not.toContain('agent.sock');
      }),
      { numRuns: 40 },
    );
    await alive();
  });

  it('says no to ids that do not exist, with a code', async () => {
    for (const path of ['/sandboxes/nobody', '/sandboxes/nobody/metrics', '/sandboxes/..%2f..', '/nothing']) {
      const answer = await fetch(`${at.host.apiUrl}${path}`, { headers: { 'X-API-KEY': at.host.apiKey } });
      expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([404, 404]);
    }
    const gone = await fetch(`${at.host.sandboxUrl}/health`, { headers: { 'E2b-Sandbox-Id': 'nobody' } });
    expect([gone.status, await gone.json()]).toEqual([
      502,
      expect.objectContaining({ sandboxId: 'nobody', code: 502 }),
    ]);
  });

  it('says what is wrong with a create, naming the field and the value', async () => {
    const answer = await fetch(`${at.host.apiUrl}/v2/sandboxes`, {
      method: 'POST',
      headers: { 'X-API-KEY': at.host.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ templateID: 'base', timeout: -5 }),
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { message: string }).message).toMatch(/timeout.*-5/);
  });

  it('writes nothing to the host and lives on when an upload is cut off', async () => {
    const socket = connect(Number(new URL(at.host.sandboxUrl).port), '127.0.0.1');
    const lines = [
      'POST /files?path=cut HTTP/1.1',
      'Host: x',
      'Content-Type: application/octet-stream',
      'Content-Length: 1000000',
    ];
    const routing = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(`${[...lines, ...routing].join('\r\n')}\r\n\r\npartial`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await alive();
  });
});
