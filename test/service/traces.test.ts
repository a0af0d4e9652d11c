import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startLocalHost } from '@pilotlight/local';
import { remoteManager } from '@pilotlight/sdk/remote';
import { Sandbox } from 'e2b';
import { expect, it } from 'vitest';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../packages/warmer/src/warmer.js';

it('a trace runs from the client through the service and the provider to the command in the sandbox', async () => {
  const exported: string[] = [];
  const collector = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      exported.push(text);
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const host = await startLocalHost();
  // What stands between the service and the provider, and writes down the trace that each request names.
  const named: { path: string; traceparent: string | undefined }[] = [];
  const front = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://front');
    named.push({
      path: `${request.method} ${pathname}`,
      traceparent: request.headers.traceparent as string | undefined,
    });
    request.pipe(
      forward(
        `${host.connectionOptions.apiUrl}${request.url}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      ),
    );
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const apiUrl = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const warmer = await startWarmer(
    configSchema.parse({
      listen: { port: 0 },
      provider: { ...host.connectionOptions, apiUrl },
      store: { kind: 'memory' },
      allowAnonymousLoopback: true,
      log: { level: 'silent' },
      drainMs: 0,
      telemetry: { otlpUrl: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces` },
      runtimes: [
        {
          name: 'shell',
          steps: [{ name: 'tell', run: 'echo $TRACEPARENT > ~/trace' }],
          pool: { target: 0, link: false, generic: false },
        },
      ],
    }),
  );
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
  const manager = remoteManager({ url: warmer.url, traceparent: () => traceparent });
  const claim = await (await manager.claim('shell')).ready;
  expect(claim.env.TRACEPARENT).toBe(traceparent);
  const sandbox = await Sandbox.connect(claim.connection.sandboxId, host.connectionOptions);
  expect(await sandbox.files.read('trace')).toContain(traceId);
  const create = named.find(({ path }) => path === 'POST /sandboxes' || path.startsWith('POST /v2/sandboxes'));
  expect(create?.traceparent).toContain(traceId);
  await claim.retire();
  await manager.close();
  await warmer.close();
  await host.close();
  front.close();
  collector.close();
  const spans = exported
    .flatMap((text) => JSON.parse(text).resourceSpans)
    .flatMap((resource) => resource.scopeSpans)
    .flatMap((scope) => scope.spans as { name: string; traceId: string }[]);
  const ofTrace = spans.filter((span) => span.traceId === traceId).map((span) => span.name);
  expect(ofTrace).toContain('claim');
  expect(ofTrace).toContain('sandbox create');
});
