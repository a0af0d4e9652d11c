import type { Duplex, Readable } from 'node:stream';

/**
 * How far a sandbox is kept from the machine it runs on.
 *
 * - `process`: not at all; a command is a child process of the host with the host's rights.
 * - `namespaces`: own user, mount, process, network, IPC and host-name namespaces; read-only system, private home.
 * - `hardened`: as `namespaces`, with an own range of user ids and limits on memory, processor time and processes.
 */
export type IsolationLevel = 'process' | 'namespaces' | 'hardened';

export type MachineErrorCode = 'user' | 'cwd' | 'exec' | 'resources' | 'refused' | 'terminal' | 'gone';

/** The machine of a sandbox could not do what was asked; nothing was started. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: MachineErrorCode;

  constructor(code: MachineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type OutputKind = 'stdout' | 'stderr' | 'pty';

export interface RunRequest {
  arguments: readonly string[];
  user: string;
  /** Empty means the user's home. */
  cwd: string;
  envs: Readonly<Record<string, string>>;
  /** When set, the command gets a terminal of this size and all its output is of kind `pty`. */
  terminal?: TerminalSize | undefined;
  /** When false, the command reads an empty standard input. */
  withInput: boolean;
  /** Called in order of arrival. The command is held back while many bytes are not released. */
  onOutput: (kind: OutputKind, chunk: Buffer, release: () => void) => void;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

export type ExitStatus = { kind: 'exited'; code: number } | { kind: 'signaled'; signal: number } | { kind: 'lost' };

export interface MachineProcess {
  /** The process id as the sandbox sees it. */
  readonly pid: number;
  /** Settles after the last output was delivered; never rejects. */
  readonly exit: Promise<ExitStatus>;
  /** Resolves when there is room for more. Rejects with code `gone` when the command has ended. */
  write(chunk: Uint8Array): Promise<void>;
  endInput(): void;
  signal(number: number): void;
  resize(size: TerminalSize): void;
}

/** One sandbox's processes, files and ports. Every method rejects with {@link MachineError} `gone` after its end. */
export interface Machine {
  readonly files: MachineFiles;
  run(request: RunRequest): Promise<MachineProcess>;
  /** A connection to a server inside the sandbox; rejects with `refused` when nothing listens. */
  connect(port: number): Promise<Duplex>;
  /** Resolves when no process of the sandbox runs any more; memory stays. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Under `sandboxes/<id>/g<generation>` are the files the sandbox has written since its last seal. */
  readonly generation: number;
  /**
   * Begins a new generation when no command runs, so that `seal`, called meanwhile, can take away the files of the last
   * one; it returns the layers that are then below. Resolves to undefined, with nothing changed, when commands run or
   * the machine cannot do it.
   */
  sealLive(seal: () => SealedFiles): Promise<readonly string[] | undefined>;
  usage(): Promise<MachineUsage>;
  /** A process was brought into the sandbox from outside. */
  entered(): void;
  /** Settles when every process is gone, whoever ended them. */
  readonly ended: Promise<void>;
  /** Idempotent; resolves when every process is gone. */
  kill(): Promise<void>;
}

export interface SealedFiles {
  /** Top first. */
  layers: readonly string[];
  undo(): void;
}

export interface MachineUsage {
  memoryBytes: number;
  cpuTicks: number;
}

export type FileKind = 'file' | 'directory' | 'link' | 'other';

export interface FileEntry {
  path: string;
  kind: FileKind;
  size: number;
  mode: number;
  owner: string;
  group: string;
  modifiedAtMs: number;
  linkTarget?: string | undefined;
  metadata: Record<string, string>;
}

export type FileErrorCode =
  | 'ENOENT'
  | 'EEXIST'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'EINVAL'
  | 'EACCES'
  | 'ENOSPC'
  | 'user'
  | 'other';

export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type WatchEventKind = 'create' | 'write' | 'remove' | 'rename' | 'chmod';

export interface WatchEvent {
  kind: WatchEventKind;
  /** Relative to the watched directory. */
  name: string;
  entry?: FileEntry | undefined;
}

export interface WatchRequest {
  recursive: boolean;
  withEntry: boolean;
  onEvent: (event: WatchEvent) => void;
}

export interface Watcher {
  close(): void;
  readonly ended: Promise<void>;
}

/** Paths are those of the sandbox, read for a user: relative ones start at the user's home. Rejects with FileError. */
export interface MachineFiles {
  stat(user: string, path: string): Promise<FileEntry>;
  list(user: string, path: string, depth: number): Promise<FileEntry[]>;
  makeDirectory(user: string, path: string): Promise<FileEntry>;
  move(user: string, source: string, destination: string): Promise<FileEntry>;
  remove(user: string, path: string): Promise<void>;
  read(user: string, path: string, range: ByteRange): Promise<{ entry: FileEntry; content: Readable }>;
  write(user: string, path: string, content: AsyncIterable<Uint8Array>, metadata: Metadata): Promise<FileEntry>;
  watch(user: string, path: string, request: WatchRequest): Promise<Watcher>;
}

export type Metadata = Readonly<Record<string, string>>;

export interface ByteRange {
  offset: number;
  length?: number | undefined;
}

/** Which files and system directories a machine is built from. */
export interface MachineSpec {
  id: string;
  hostname: string;
  /** Names of sealed layers, top first. */
  layers: readonly string[];
  /** Changes with every boot, as `/proc/sys/kernel/random/boot_id` does. */
  bootId: string;
  /** Nobody waits for it yet: it may take longer and should disturb nobody. */
  ahead?: boolean | undefined;
  /** Directories of the host that the sandbox reads and writes, each at a place of its own. */
  volumes?: readonly MachineVolume[] | undefined;
}

export interface MachineVolume {
  /** Below the instance directory, relative to it. */
  source: string;
  /** Absolute, within the sandbox, without ":" and ">". */
  target: string;
}

/** Starts machines at one isolation level. */
export interface MachineFactory {
  readonly level: IsolationLevel;
  create(spec: MachineSpec): Promise<Machine>;
  /** Somebody waits now for a machine that was asked for `ahead`. */
  hurry(id: string): void;
  /** Runs a host command on layers and sandbox directories, seeing every file whatever its mode. */
  task(command: readonly string[]): Promise<void>;
  /** Makes one layer of many, top first, in an empty directory, to stand on the base; none of them is changed. */
  merge(target: string, base: string, layers: readonly string[]): Promise<void>;
  /** Ends every machine; idempotent. */
  close(): Promise<void>;
}
