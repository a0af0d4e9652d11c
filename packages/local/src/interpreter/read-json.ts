import type { IncomingMessage } from 'node:http';
import { ApiError } from '../sandbox/api-error.js';

const limitBytes = 64 * 1024 * 1024;

/** @throws ApiError 413 or 400 when the body is too long or is not JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) {
      throw new ApiError(413, `The body is over ${limitBytes} bytes. Write large data to a file of the sandbox first.`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(400, 'The body is not JSON.');
  }
}
