import { Readable } from 'node:stream';
import type { AgentChannel } from './agent-channel.js';
import { parseEntry, RecordReader } from './file-records.js';
import {
  type ByteRange,
  type FileEntry,
  FileError,
  type FileErrorCode,
  MachineError,
  type MachineFiles,
  type MachineProcess,
  type Metadata,
  type WatchEvent,
  type WatchEventKind,
  type Watcher,
  type WatchRequest,
} from './machine.js';

const fileErrorCodes = new Set<string>(['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'EINVAL', 'EACCES', 'ENOSPC']);
/** Paths that no file system can hold. */
const unusablePaths = new Set<string>(['ENAMETOOLONG', 'ELOOP']);
const watchKinds = new Set<string>(['create', 'write', 'remove', 'rename', 'chmod']);
const signalKill = 9;

interface Operation {
  user: string;
  arguments: readonly string[];
  withInput?: boolean;
  onData: (chunk: Buffer, release: () => void) => void;
}

/**
 * File operations carried out by a process inside the sandbox that is the asking user, so that the kernel decides what
 * a path means and who may touch it; the host never opens a path a sandbox can have a hand in.
 */
export class AgentFiles implements MachineFiles {
  private readonly channel: AgentChannel;

  constructor(channel: AgentChannel) {
    this.channel = channel;
  }

  async stat(user: string, path: string): Promise<FileEntry> {
    return single(await this.collect(user, ['stat', path]));
  }

  async list(user: string, path: string, depth: number): Promise<FileEntry[]> {
    return (await this.collect(user, ['list', path, String(depth)])).map(parseEntry);
  }

  async makeDirectory(user: string, path: string): Promise<FileEntry> {
    return single(await this.collect(user, ['mkdir', path]));
  }

  async move(user: string, source: string, destination: string): Promise<FileEntry> {
    return single(await this.collect(user, ['move', source, destination]));
  }

  async remove(user: string, path: string): Promise<void> {
    await this.collect(user, ['remove', path]);
  }

  async read(user: string, path: string, range: ByteRange): Promise<{ entry: FileEntry; content: Readable }> {
    const reader = new RecordReader(1);
    const length = range.length === undefined ? '' : String(range.length);
    let held: (() => void)[] = [];
    const content = new Readable({
      read: () => {
        const releases = held;
        held = [];
        for (const release of releases) {
          release();
        }
      },
    });
    const entry = await new Promise<FileEntry>((resolve, reject) => {
      const deliver = (chunk: Buffer, release: () => void) => {
        for (const record of reader.read(chunk)) {
          resolve(parseEntry(record));
        }
        const bytes = reader.takeRest();
        if (bytes.length === 0 || content.push(bytes)) {
          release();
        } else {
          held.push(release);
        }
      };
      this.start({ user, arguments: ['read', path, String(range.offset), length], onData: deliver }).then(
        ({ process, done }) => {
          content.once('close', () => process.signal(signalKill));
          done.then(
            () => content.push(null),
            (error: Error) => {
              reject(error);
              content.destroy(error);
            },
          );
        },
        reject,
      );
      content.on('error', () => {});
    });
    return { entry, content };
  }

  async write(user: string, path: string, content: AsyncIterable<Uint8Array>, metadata: Metadata): Promise<FileEntry> {
    const pairs = Object.entries(metadata).flat();
    const records: Buffer[][] = [];
    const reader = new RecordReader();
    const { process, done } = await this.start({
      user,
      arguments: ['write', path, '', ...pairs],
      withInput: true,
      onData: (chunk, release) => {
        records.push(...reader.read(chunk));
        release();
      },
    });
    try {
      for await (const chunk of content) {
        await process.write(chunk);
      }
    } catch (error) {
      if (!(error instanceof MachineError)) {
        process.signal(signalKill);
        await done.catch(() => {});
        throw error;
      }
    }
    process.endInput();
    await done;
    return single(records);
  }

  async watch(user: string, path: string, request: WatchRequest): Promise<Watcher> {
    const reader = new RecordReader();
    const flags = [request.recursive ? '1' : '', request.withEntry ? '1' : ''];
    // The first record can arrive together with the news that the process was started.
    let tellReady: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      tellReady = resolve;
    });
    const onData = (chunk: Buffer, release: () => void) => {
      for (const [kind, name, ...entry] of reader.read(chunk)) {
        const text = kind?.toString() ?? '';
        if (text === 'ready') {
          tellReady();
        } else if (watchKinds.has(text)) {
          request.onEvent(watchEvent(text as WatchEventKind, name?.toString() ?? '', entry));
        }
      }
      release();
    };
    const { process, done } = await this.start({ user, arguments: ['watch', path, ...flags], onData });
    await Promise.race([ready, done]);
    return { close: () => process.signal(signalKill), ended: done.catch(() => {}) };
  }

  private async collect(user: string, list: readonly string[]): Promise<Buffer[][]> {
    const records: Buffer[][] = [];
    const reader = new RecordReader();
    const { done } = await this.start({
      user,
      arguments: list,
      onData: (chunk, release) => {
        records.push(...reader.read(chunk));
        release();
      },
    });
    await done;
    return records;
  }

  private async start(operation: Operation): Promise<{ process: MachineProcess; done: Promise<void> }> {
    let message = '';
    const process = await this.channel
      .run(
        {
          arguments: operation.arguments,
          user: operation.user,
          cwd: '',
          envs: { PATH: '/usr/bin:/bin' },
          withInput: operation.withInput ?? false,
          onOutput: (kind, chunk, release) => {
            if (kind === 'stderr') {
              message += chunk.toString();
              release();
            } else {
              operation.onData(chunk, release);
            }
          },
        },
        'builtin',
      )
      .catch((error: unknown) => {
        throw error instanceof MachineError && error.code === 'user' ? new FileError('user', error.message) : error;
      });
    const done = process.exit.then((status) => {
      if (status.kind === 'lost') {
        throw new MachineError('gone', 'the sandbox is not running any more');
      }
      if (status.kind === 'signaled' || status.code !== 0) {
        throw fileError(message);
      }
    });
    done.catch(() => {});
    return { process, done };
  }
}

function single(records: Buffer[][]): FileEntry {
  const [record] = records;
  if (!record) {
    throw new FileError('other', 'the file operation gave no answer');
  }
  return parseEntry(record);
}

function watchEvent(kind: WatchEventKind, name: string, entry: Buffer[]): WatchEvent {
  return entry.length > 0 ? { kind, name, entry: parseEntry(entry) } : { kind, name };
}

function fileError(text: string): FileError {
  const [, code = '', message = text] = /^(\w+) ([\s\S]*)$/.exec(text.replace(/ at \S+ line \d+\.\n?$/, '')) ?? [];
  const known = unusablePaths.has(code) ? 'EINVAL' : fileErrorCodes.has(code) ? (code as FileErrorCode) : 'other';
  return new FileError(known, message.trim() || 'the operation was stopped');
}
