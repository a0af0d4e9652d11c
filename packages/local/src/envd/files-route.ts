import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { FileError, type Machine, MachineError, type Metadata } from '../isolation/machine.js';
import { ApiError } from '../sandbox/api-error.js';
import { sendJson } from '../server/respond.js';
import { readParts } from './multipart.js';

export interface FilesQuery {
  path: string | undefined;
  user: string;
}

/** `GET /files`: the bytes of a file, in part when a range is asked for, packed when the caller takes that. */
export async function download(
  machine: Machine,
  query: FilesQuery,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = requirePath(query);
  const range = parseRange(request.headers.range);
  const { entry, content } = await machine.files
    .read(query.user, path, { offset: range?.start ?? 0, length: range?.length })
    .catch(fail);
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  response.setHeader('Content-Disposition', `inline; filename*=UTF-8''${encodeURIComponent(name)}`);
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Vary', 'Accept-Encoding');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Last-Modified', new Date(entry.modifiedAtMs).toUTCString());
  const packed = !range && acceptsGzip(request.headers['accept-encoding']);
  if (range) {
    const end = Math.min(entry.size, range.start + (range.length ?? entry.size)) - 1;
    if (range.start >= entry.size) {
      content.destroy();
      response.writeHead(416, { 'Content-Range': `bytes */${entry.size}` }).end();
      return;
    }
    response.statusCode = 206;
    response.setHeader('Content-Range', `bytes ${range.start}-${end}/${entry.size}`);
  } else if (!packed) {
    response.setHeader('Content-Length', entry.size);
  }
  if (packed) {
    response.setHeader('Content-Encoding', 'gzip');
    await pipeline(content, createGzip({ level: 1 }), response);
  } else {
    await pipeline(content, response);
  }
}

/** `POST /files`: one file as raw bytes or several as a form; parents are made, what was there is replaced. */
export async function upload(
  machine: Machine,
  query: FilesQuery,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const metadata = metadataOf(request);
  const contentType = request.headers['content-type'] ?? '';
  const body = unpacked(request);
  const written: WrittenFile[] = [];
  const write = async (path: string, content: AsyncIterable<Uint8Array>) => {
    const entry = await machine.files.write(query.user, path, content, metadata).catch(fail);
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    const shown = Object.keys(entry.metadata).length > 0 ? { metadata: entry.metadata } : {};
    written.push({ path: entry.path, name, type: 'file', ...shown });
  };
  if (contentType.startsWith('multipart/form-data')) {
    await readParts(body, contentType, (name, content) => write(query.path ?? (name || requirePath(query)), content));
    if (written.length === 0) {
      throw new ApiError(400, 'The form holds no part named "file". Send the content of each file as such a part.');
    }
  } else if (contentType.startsWith('application/octet-stream')) {
    await write(requirePath(query), body);
  } else {
    throw new ApiError(
      400,
      `Content type "${contentType}" is not known. Send multipart/form-data or application/octet-stream.`,
    );
  }
  sendJson(response, 200, written);
}

interface WrittenFile {
  path: string;
  name: string;
  type: 'file';
  metadata?: Record<string, string>;
}

const metadataPrefix = 'x-metadata-';
const keyLimitBytes = 246;
const totalLimitBytes = 4096;

function metadataOf(request: IncomingMessage): Metadata {
  const metadata: Record<string, string> = {};
  let totalBytes = 0;
  for (const [header, value] of Object.entries(request.headers)) {
    if (!header.startsWith(metadataPrefix)) {
      continue;
    }
    const key = header.slice(metadataPrefix.length);
    const text = Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
    totalBytes += Buffer.byteLength(key) + Buffer.byteLength(text);
    if (key === '' || Buffer.byteLength(key) > keyLimitBytes || totalBytes > totalLimitBytes) {
      throw new ApiError(
        400,
        `The metadata is too large: a key has at most ${keyLimitBytes} bytes, all have ${totalLimitBytes}.`,
      );
    }
    metadata[key] = text;
  }
  return metadata;
}

function unpacked(request: IncomingMessage): AsyncIterable<Uint8Array> & NodeJS.ReadableStream {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') {
    return request;
  }
  if (encoding !== 'gzip') {
    throw new ApiError(400, `Content encoding "${encoding}" is not known. Send gzip or none.`);
  }
  const gunzip = createGunzip();
  request.once('error', (error) => gunzip.destroy(error));
  request.once('aborted', () => gunzip.destroy(new Error('the upload was cut off')));
  return request.pipe(gunzip);
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((item) => /^\s*gzip\s*(;\s*q=(?!0(\.0+)?\s*$)[\d.]+\s*)?$/i.test(item));
}

function parseRange(header: string | undefined): { start: number; length: number | undefined } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) {
    return undefined;
  }
  const start = Number(match[1]);
  const length = match[2] ? Number(match[2]) - start + 1 : undefined;
  return length !== undefined && length <= 0 ? undefined : { start, length };
}

function requirePath(query: FilesQuery): string {
  if (query.path === undefined || query.path === '') {
    throw new ApiError(400, 'The query has no "path". Name the file with ?path=...');
  }
  return query.path;
}

function fail(error: unknown): never {
  if (error instanceof MachineError) {
    throw new ApiError(error.code === 'user' ? 401 : 502, error.message);
  }
  if (!(error instanceof FileError)) {
    throw error;
  }
  const statuses: Readonly<Partial<Record<FileError['code'], number>>> = {
    ENOENT: 404,
    EISDIR: 400,
    ENOTDIR: 400,
    EINVAL: 400,
    user: 401,
    EACCES: 403,
    ENOSPC: 507,
  };
  throw new ApiError(statuses[error.code] ?? 500, error.message);
}
