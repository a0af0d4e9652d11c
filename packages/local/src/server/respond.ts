import type { ServerResponse } from 'node:http';
import { ApiError } from '../sandbox/api-error.js';

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

/** Every failure leaves with a JSON body; one that cannot be told any more cuts the connection. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known = error instanceof ApiError ? error : new ApiError(500, `The host failed: ${(error as Error).message}`);
  for (const [name, value] of Object.entries(known.headers)) {
    response.setHeader(name, value);
  }
  sendJson(response, known.status, known.toBody());
}
