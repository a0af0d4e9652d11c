import { Readable } from 'node:stream';
import Busboy, { type BusboyInstance } from '@fastify/busboy';
import { ApiError } from '../sandbox/api-error.js';

/** A part without a file name is held in memory. */
const fieldLimitBytes = 64 * 1024 * 1024;

/** Calls back for each part named `file`, one after another; a part is read before the next one is. */
export async function readParts(
  body: NodeJS.ReadableStream,
  contentType: string,
  onFile: (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  let form: BusboyInstance;
  try {
    form = new Busboy({
      headers: { 'content-type': contentType },
      preservePath: true,
      limits: { fieldSize: fieldLimitBytes },
    });
  } catch (error) {
    throw new ApiError(400, `The form cannot be read: ${(error as Error).message}`);
  }
  let writing: Promise<void> = Promise.resolve();
  const finished = new Promise<void>((resolve, reject) => {
    form.on('file', (field, content, filename) => {
      if (field !== 'file') {
        content.resume();
        return;
      }
      writing = writing.then(() => onFile(filename, content));
      writing.catch((error: unknown) => {
        content.resume();
        reject(error);
      });
    });
    form.on('field', (field, value, _fieldTruncated, truncated) => {
      if (field !== 'file') {
        return;
      }
      if (truncated) {
        reject(new ApiError(400, `A file part without a file name is larger than ${fieldLimitBytes} bytes. Name it.`));
        return;
      }
      writing = writing.then(() => onFile('', Readable.from([Buffer.from(value)])));
      writing.catch(reject);
    });
    form.once('finish', () => resolve());
    form.once('error', (error) => reject(new ApiError(400, `The form cannot be read: ${(error as Error).message}`)));
    body.once('error', reject);
  });
  body.pipe(form);
  await finished;
  await writing;
}
