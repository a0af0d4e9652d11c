import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { RecordReader } from '../isolation/file-records.js';
import type { Machine, MachineProcess } from '../isolation/machine.js';
import { ApiError } from '../sandbox/api-error.js';

/** One entry of a volume, as E2B's volume API shows it. */
export interface VolumeEntry {
  name: string;
  path: string;
  type: string;
  size: number;
  mode: number;
  uid: number;
  gid: number;
  atime: string;
  mtime: string;
  ctime: string;
  target?: string;
}

const statusOf: Readonly<Record<string, number>> = {
  ENOENT: 404,
  EEXIST: 409,
  EACCES: 403,
  EPERM: 403,
  ENOSPC: 507,
  ENOTDIR: 400,
  EISDIR: 400,
  EINVAL: 400,
  ENAMETOOLONG: 400,
  ELOOP: 400,
};

/**
 * Operations on a volume's files. They run in a machine that sees the volume and nothing of the host: a link that a
 * sandbox left in a volume leads nowhere.
 */
export class VolumeFiles {
  private readonly machine: Machine;
  private readonly program: string;
  private readonly root: string;

  constructor(machine: Machine, program: string, root: string) {
    this.machine = machine;
    this.program = program;
    this.root = root;
  }

  async entries(operation: 'stat' | 'list' | 'mkdir' | 'set' | 'remove', list: readonly string[]) {
    const found: VolumeEntry[] = [];
    const reader = new RecordReader();
    const { process, failure } = await this.run(operation, list, (chunk) => {
      found.push(...[...reader.read(chunk)].map(entryOf));
      return 'taken';
    });
    process.endInput();
    await this.finish(process, failure);
    return found;
  }

  async write(list: readonly string[], content: AsyncIterable<Uint8Array>): Promise<VolumeEntry> {
    const found: VolumeEntry[] = [];
    const reader = new RecordReader();
    const { process, failure } = await this.run('write', list, (chunk) => {
      found.push(...[...reader.read(chunk)].map(entryOf));
      return 'taken';
    });
    try {
      for await (const chunk of content) {
        await process.write(chunk);
      }
      process.endInput();
    } catch (error) {
      // An upload that broke off must not take the place of the file; one that was refused says why below.
      process.signal(9);
      if (failure.text === '') {
        await process.exit;
      }
      if (failure.text === '') {
        throw error;
      }
    }
    await this.finish(process, failure);
    return found[0]!;
  }

  /** Resolves when the file is open: what fails later breaks the stream. */
  async read(path: string): Promise<{ entry: VolumeEntry; content: Readable }> {
    const content = new PassThrough();
    const reader = new RecordReader(1);
    let opened: (entry: VolumeEntry) => void = () => {};
    const opening = new Promise<VolumeEntry>((resolve) => {
      opened = resolve;
    });
    const { process, failure } = await this.run('read', [path], (chunk, release) => {
      for (const record of reader.read(chunk)) {
        opened(entryOf(record));
      }
      if (content.write(reader.takeRest())) {
        release();
      } else {
        content.once('drain', release);
      }
      return 'kept';
    });
    process.endInput();
    content.once('close', () => process.signal(9));
    const finished = this.finish(process, failure).then(() => undefined);
    finished.then(
      () => content.end(),
      (error: Error) => content.destroy(error),
    );
    content.on('error', () => {});
    const entry = await Promise.race([opening, finished]);
    return { entry: entry ?? (await opening), content };
  }

  private async run(
    operation: string,
    list: readonly string[],
    onChunk: (chunk: Buffer, release: () => void) => 'taken' | 'kept',
  ): Promise<{ process: MachineProcess; failure: { text: string } }> {
    const failure = { text: '' };
    const process = await this.machine.run({
      arguments: ['perl', '-e', this.program, '--', this.root, operation, ...list],
      user: 'root',
      cwd: '/',
      envs: { PATH: '/usr/bin:/bin' },
      withInput: true,
      onOutput: (kind, chunk, release) => {
        if (kind === 'stderr') {
          failure.text += chunk.toString();
          release();
        } else if (onChunk(chunk, release) === 'taken') {
          release();
        }
      },
    });
    return { process, failure };
  }

  private async finish(process: MachineProcess, failure: { text: string }): Promise<void> {
    const status = await process.exit;
    if (status.kind === 'exited' && status.code === 0) {
      return;
    }
    const [, code = '', message = ''] = /^(\w+) (.*)/s.exec(failure.text.trim()) ?? [];
    throw new ApiError(statusOf[code] ?? 500, message || 'The volume could not be used.');
  }
}

function entryOf(fields: Buffer[]): VolumeEntry {
  const [name = '', path = '', type = '', size, mode, uid, gid, atime, mtime, ctime, target = ''] = fields.map(String);
  const date = (seconds: string | undefined) => new Date(Number(seconds) * 1000).toISOString();
  return {
    name,
    path,
    type,
    size: Number(size),
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    atime: date(atime),
    mtime: date(mtime),
    ctime: date(ctime),
    ...(target === '' ? {} : { target }),
  };
}
