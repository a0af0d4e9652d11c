import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../sandbox/api-error.js';

/** Archives of files to copy into templates, by the hash that their sender gave them. */
export class ArchiveStore {
  private readonly tokens = new Map<string, string>();
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Where the archive is; undefined when it did not arrive. */
  find(filesHash: string): string | undefined {
    const path = this.pathOf(filesHash);
    return existsSync(path) ? path : undefined;
  }

  /** A token that allows one upload of the files of this hash. */
  allow(filesHash: string): string {
    this.pathOf(filesHash);
    const token = randomBytes(24).toString('hex');
    this.tokens.set(token, filesHash);
    return token;
  }

  /** The archive appears whole or not at all. */
  async receive(token: string, content: Readable): Promise<void> {
    const filesHash = this.tokens.get(token);
    if (filesHash === undefined) {
      throw new ApiError(404, 'This upload is not expected. Ask for a new upload link.');
    }
    const partial = join(this.directory, token);
    await pipeline(content, createWriteStream(partial, { mode: 0o600 }));
    renameSync(partial, this.pathOf(filesHash));
    this.tokens.delete(token);
  }

  /** @throws ApiError for a hash that is none: it becomes part of a path. */
  pathOf(filesHash: string): string {
    if (!/^[0-9a-f]{16,128}$/.test(filesHash)) {
      throw new ApiError(400, 'The hash of the files must be hexadecimal.');
    }
    return join(this.directory, `${filesHash}.tar`);
  }
}
