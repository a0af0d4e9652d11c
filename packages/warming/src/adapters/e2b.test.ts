import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProviderSandboxInfo, SandboxProvider } from '../provider.js';
import { e2bProvider } from './e2b.js';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** E2B's own adapter against a server that answers as it is told. */
async function answering(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  requestTimeoutMs = 2_000,
): Promise<SandboxProvider> {
  server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}`;
  return e2bProvider({ apiUrl: url, sandboxUrl: url, apiKey: 'e2b_0', requestTimeoutMs });
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function listed(provider: SandboxProvider): Promise<ProviderSandboxInfo[]> {
  const found = [];
  for await (const info of provider.list({ metadata: {} })) found.push(info);
  return found;
}

const sandbox = {
  sandboxID: 'one',
  templateID: 'base',
  clientID: 'x',
  envdVersion: '0.6.13',
  cpuCount: 2,
  memoryMB: 512,
  diskSizeMB: 512,
  startedAt: '2026-01-01T00:00:00Z',
  endAt: '2026-01-01T01:00:00Z',
  state: 'running',
};

describe('a provider that answers', () => {
  it('malformed JSON is an error with a reason', async () => {
    const provider = await answering((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"half":');
    });
    await expect(listed(provider)).rejects.toMatchObject({
      name: 'ProviderError',
      message: expect.stringMatching(/\w/),
    });
    await expect(provider.create({ template: 'base', timeoutMs: 1, metadata: {} })).rejects.toMatchObject({
      name: 'ProviderError',
    });
  });

  it('another thing than a list is an error with a reason', async () => {
    const provider = await answering((_request, response) => json(response, { sandboxes: 'none' }));
    await expect(listed(provider)).rejects.toMatchObject({ name: 'ProviderError' });
  });

  it('states nobody knows leaves the engine to look closer, and an entry without an id or times is passed over', async () => {
    const provider = await answering((_request, response) =>
      json(response, [
        { ...sandbox, state: 'frozen' },
        { ...sandbox, sandboxID: undefined },
        { ...sandbox, startedAt: 'yesterday' },
      ]),
    );
    expect(await listed(provider)).toEqual([expect.objectContaining({ sandboxId: 'one', state: 'unknown' })]);
  });

  it('nothing at all is an error in the time given, and a create may have happened', async () => {
    const provider = await answering(() => undefined, 200);
    await expect(provider.info('one')).rejects.toMatchObject({ name: 'ProviderError', failure: 'timeout' });
    await expect(provider.create({ template: 'base', timeoutMs: 1, metadata: {} })).rejects.toMatchObject({
      failure: 'lost',
    });
  });

  it('by cutting the connection leaves a create lost, not failed', async () => {
    const provider = await answering((request) => request.socket.destroy());
    await expect(provider.create({ template: 'base', timeoutMs: 1, metadata: {} })).rejects.toMatchObject({
      failure: 'lost',
    });
  });
});
