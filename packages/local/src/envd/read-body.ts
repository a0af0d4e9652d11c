import type { IncomingMessage } from 'node:http';
import { Code, ConnectError } from '@connectrpc/connect';

/** The whole body of a request; by its events, because a stream's iterator takes longer than all the rest of a call. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) {
        reject(new ConnectError(`the request is larger than ${limitBytes} bytes`, Code.ResourceExhausted));
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) {
        reject(new ConnectError('the request was cut off', Code.Canceled));
      }
    });
  });
}
