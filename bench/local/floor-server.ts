import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endWithParent } from './end-with-parent.js';

/**
 * The least a server can do and still satisfy the SDK: it answers every create with the same sandbox and every command
 * with a start and an end. What the SDK needs against it is the SDK's own floor.
 */
function frame(flag: number, message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

const command = Buffer.concat([
  frame(0, { event: { start: { pid: 1 } } }),
  frame(0, { event: { end: { exited: true, status: 'exit status 0' } } }),
  frame(2, {}),
]);
const sandbox = JSON.stringify({
  sandboxID: 'floor',
  templateID: 'base',
  clientID: 'floor',
  envdVersion: '0.6.13',
  envdAccessToken: 'floor',
});

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    if (request.url?.startsWith('/process.Process/')) {
      response.writeHead(200, { 'Content-Type': 'application/connect+json' }).end(command);
    } else if (request.method === 'DELETE') {
      response.writeHead(204).end();
    } else {
      response.writeHead(201, { 'Content-Type': 'application/json' }).end(sandbox);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  console.log(JSON.stringify({ apiUrl: url, sandboxUrl: url, apiKey: 'e2b_00' }));
});
endWithParent(() => process.exit(0));
