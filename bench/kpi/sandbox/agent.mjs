// Runs inside the sandbox: an agent server that answers when it can work.
import { createServer } from 'node:http';

createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ready: true, path: request.url }));
}).listen(8080, '0.0.0.0');
