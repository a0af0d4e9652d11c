import { createReadStream, createWriteStream, type FSWatcher, watch as watchPath } from 'node:fs';
import { lstat, mkdir, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, posix, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type ByteRange,
  type FileEntry,
  FileError,
  type FileErrorCode,
  type MachineFiles,
  type Metadata,
  type Watcher,
  type WatchRequest,
} from './machine.js';

const homes: Readonly<Record<string, string>> = { user: '/home/user', root: '/root' };
const codes = new Set(['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'EINVAL', 'EACCES', 'ENOSPC']);

/**
 * Files of a sandbox without isolation: its root is a directory of the host. Paths cannot climb out of it by `..`;
 * symbolic links can, because the sandbox's commands can reach everything anyway.
 */
export class ProcessFiles implements MachineFiles {
  private readonly root: string;
  private readonly metadata = new Map<string, Metadata>();

  constructor(root: string) {
    this.root = root;
  }

  /** The host's path for a path of the sandbox. */
  locate(user: string, path: string): string {
    return join(this.root, this.resolve(user, path));
  }

  async stat(user: string, path: string): Promise<FileEntry> {
    return this.attempt(() => this.entry(this.resolve(user, path)));
  }

  async list(user: string, path: string, depth: number): Promise<FileEntry[]> {
    const directory = this.resolve(user, path);
    return this.attempt(() => this.listBelow(directory, depth));
  }

  async makeDirectory(user: string, path: string): Promise<FileEntry> {
    const target = this.resolve(user, path);
    return this.attempt(async () => {
      if ((await mkdir(join(this.root, target), { recursive: true })) === undefined) {
        throw new FileError('EEXIST', `${target}: already exists`);
      }
      return this.entry(target);
    });
  }

  async move(user: string, source: string, destination: string): Promise<FileEntry> {
    const target = this.resolve(user, destination);
    return this.attempt(async () => {
      await lstat(this.locate(user, source));
      await mkdir(dirname(join(this.root, target)), { recursive: true });
      await rename(this.locate(user, source), join(this.root, target));
      return this.entry(target);
    });
  }

  async remove(user: string, path: string): Promise<void> {
    await this.attempt(() => rm(this.locate(user, path), { recursive: true, force: true }));
  }

  async read(user: string, path: string, range: ByteRange): Promise<{ entry: FileEntry; content: Readable }> {
    const entry = await this.stat(user, path);
    if (entry.kind !== 'file') {
      throw new FileError(entry.kind === 'directory' ? 'EISDIR' : 'EINVAL', `${entry.path}: is not a regular file`);
    }
    const end = range.length === undefined ? undefined : range.offset + range.length - 1;
    const content = createReadStream(this.locate(user, path), {
      start: range.offset,
      ...(end === undefined ? {} : { end }),
    });
    return { entry, content };
  }

  async write(user: string, path: string, content: AsyncIterable<Uint8Array>, metadata: Metadata): Promise<FileEntry> {
    const target = this.resolve(user, path);
    return this.attempt(async () => {
      await mkdir(dirname(join(this.root, target)), { recursive: true });
      await pipeline(Readable.from(content), createWriteStream(join(this.root, target)));
      this.metadata.set(target, metadata);
      return this.entry(target);
    });
  }

  async watch(user: string, path: string, request: WatchRequest): Promise<Watcher> {
    const directory = this.resolve(user, path);
    if ((await this.stat(user, path)).kind !== 'directory') {
      throw new FileError('ENOTDIR', `${directory}: is not a directory`);
    }
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const watcher: FSWatcher = watchPath(
      join(this.root, directory),
      { recursive: request.recursive },
      (event, name) => {
        if (name !== null) {
          void this.tell(directory, event, name.split(sep).join('/'), request);
        }
      },
    );
    const close = () => {
      watcher.close();
      end();
    };
    watcher.once('error', close);
    return { close, ended };
  }

  private async tell(directory: string, event: string, name: string, request: WatchRequest): Promise<void> {
    const entry = await this.entry(posix.join(directory, name)).catch(() => undefined);
    const kind = event === 'change' ? 'write' : entry ? 'create' : 'remove';
    request.onEvent({ kind, name, ...(request.withEntry && entry ? { entry } : {}) });
  }

  private resolve(user: string, path: string): string {
    const home = homes[user];
    if (home === undefined) {
      throw new FileError('user', `there is no user "${user}" in this sandbox`);
    }
    return posix.normalize(posix.resolve('/', home, path.replace(/^~(?=\/|$)/, home)));
  }

  private async listBelow(directory: string, depth: number): Promise<FileEntry[]> {
    const entries: FileEntry[] = [];
    for (const name of (await readdir(join(this.root, directory))).sort()) {
      const entry = await this.entry(posix.join(directory, name)).catch(() => undefined);
      if (!entry || entry.kind === 'other') {
        continue;
      }
      entries.push(entry);
      if (entry.kind === 'directory' && entry.linkTarget === undefined && depth > 1) {
        entries.push(...(await this.listBelow(entry.path, depth - 1)));
      }
    }
    return entries;
  }

  private async entry(path: string): Promise<FileEntry> {
    const place = join(this.root, path);
    const own = await lstat(place);
    const isLink = own.isSymbolicLink();
    const followed = isLink ? await stat(place).catch(() => own) : own;
    const kind = followed.isDirectory() ? 'directory' : followed.isFile() ? 'file' : isLink ? 'link' : 'other';
    const owner = userInfo().uid === own.uid ? 'user' : String(own.uid);
    return {
      path,
      kind,
      size: own.size,
      mode: own.mode,
      owner,
      group: owner,
      modifiedAtMs: own.mtimeMs,
      linkTarget: isLink ? this.shown(await realpath(place).catch(() => readlink(place))) : undefined,
      metadata: { ...this.metadata.get(path) },
    };
  }

  private shown(place: string): string {
    return place.startsWith(`${this.root}/`) ? place.slice(this.root.length) : place;
  }

  private async attempt<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof FileError) {
        throw error;
      }
      const { code = '', message } = error as NodeJS.ErrnoException;
      throw new FileError(codes.has(code) ? (code as FileErrorCode) : 'other', message, { cause: error });
    }
  }
}
