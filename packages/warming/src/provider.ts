/**
 * The port to whoever runs sandboxes. Everything the engine knows of E2B, of its quotas and of its errors comes through
 * here; the adapter translates vendor errors into {@link ProviderError} and nothing above it does.
 */
export interface SandboxProvider {
  /** Short name for metrics and messages, for example `e2b`. */
  readonly name: string;

  /**
   * Starts a sandbox. Not idempotent, at most one attempt: when it throws `lost`, a sandbox may exist all the same, and
   * the caller finds it by the nonce it put into `metadata`.
   */
  create(request: CreateRequest): Promise<ProviderSandbox>;

  /** Resumes a paused sandbox or attaches to a running one. Only ever extends its life, never shortens it. */
  connect(sandboxId: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<ProviderSandbox>;

  /** A working handle from what is already known, without a request. */
  attach(connection: SandboxConnection): ProviderSandbox;

  /** All sandboxes, running or paused, that carry this metadata. May lag behind `create` and `kill`. */
  list(filter: { metadata: Record<string, string>; signal?: AbortSignal }): AsyncIterable<ProviderSandboxInfo>;

  /** Undefined when there is no such sandbox. Never wakes a paused one. */
  info(sandboxId: string, options?: { signal?: AbortSignal }): Promise<ProviderSandboxInfo | undefined>;

  /** Idempotent. False when there was no such sandbox. */
  kill(sandboxId: string, options?: { signal?: AbortSignal }): Promise<boolean>;

  /** Sets the remaining life, counted from now. May shorten it. The provider may clamp it: read it back with `info`. */
  setTimeout(sandboxId: string, timeoutMs: number, options?: { signal?: AbortSignal }): Promise<void>;

  /** Pauses with memory kept. Absent when the provider cannot. */
  pause?(sandboxId: string, options?: { signal?: AbortSignal }): Promise<void>;

  /**
   * Freezes a running sandbox into a snapshot that `create({ template: snapshotId })` starts from. `name` is new each time, in
   * lower-case letters, digits and hyphens; by it the snapshot is found when the answer was lost.
   */
  createSnapshot?(
    sandboxId: string,
    options?: { name?: string; signal?: AbortSignal },
  ): Promise<{ snapshotId: string }>;

  /** All snapshots, with the names they are known by. Absent when the provider cannot tell. */
  listSnapshots?(options?: { signal?: AbortSignal }): AsyncIterable<ProviderSnapshotInfo>;

  /** Idempotent. False when there was no such snapshot. */
  deleteSnapshot?(snapshotId: string, options?: { signal?: AbortSignal }): Promise<boolean>;

  /** Opens connections ahead, so that a claim never pays for DNS, TCP or TLS. */
  preconnect?(): Promise<void>;

  /**
   * Opens the way to running sandboxes ahead and keeps it open, with as few requests as that takes: a first command then goes
   * over a connection that is there. A sandbox that is gone is no error.
   */
  keepConnected?(connections: readonly SandboxConnection[]): Promise<void>;

  /** Releases what the adapter itself opened. Sandboxes are the engine's business, not the adapter's. */
  close?(): Promise<void>;
}

export interface CreateRequest {
  /** Template name or snapshot id. */
  template: string;
  /** Life in milliseconds, counted from the start. */
  timeoutMs: number;
  metadata: Record<string, string>;
  allowInternetAccess?: boolean;
  signal?: AbortSignal;
}

/** All that is needed to talk to a running sandbox. Holds a secret (`envdAccessToken`): never logged, never stored in clear. */
export interface SandboxConnection {
  sandboxId: string;
  sandboxDomain?: string | undefined;
  envdVersion: string;
  envdAccessToken?: string | undefined;
  trafficAccessToken?: string | undefined;
}

export interface ProviderSandboxInfo {
  sandboxId: string;
  state: 'running' | 'paused' | 'unknown';
  /** Template name or snapshot id it was started from. */
  template: string;
  metadata: Record<string, string>;
  startedAtMs: number;
  /** When it ends by itself; for a paused sandbox, when it was paused. */
  endsAtMs: number;
}

export interface ProviderSnapshotInfo {
  snapshotId: string;
  names: readonly string[];
}

/** What the engine does inside a sandbox. */
export interface ProviderSandbox {
  readonly sandboxId: string;
  readonly connection: SandboxConnection;
  /**
   * Runs a shell command. A non-zero exit code is an answer, not an error. Throws {@link ProviderError} `timeout` when it
   * ran out of `timeoutMs` (it is killed then) and `gone` when the sandbox went away.
   */
  run(command: string, options?: RunOptions): Promise<RunResult>;
  /** Starts a command that goes on after the call. */
  start(command: string, options?: Omit<RunOptions, 'onOutput'>): Promise<{ pid: number }>;
  /** Writes all files, parents created; one request where the provider can. */
  writeFiles(files: readonly SandboxFile[], options?: { signal?: AbortSignal }): Promise<void>;
  /** Undefined when there is no such file. */
  readFile(path: string, options?: { signal?: AbortSignal }): Promise<string | undefined>;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  user?: string;
  /** 0 means no limit. @default 60_000 */
  timeoutMs?: number;
  signal?: AbortSignal;
  onOutput?: (text: string) => void;
}

export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface SandboxFile {
  /** Absolute, or relative to the home directory. */
  path: string;
  content: string | Uint8Array;
}

/**
 * How a provider call failed, in the words the engine decides by.
 *
 * - `unreachable`: nobody answers there
 * - `unauthorized`: the key was refused
 * - `rate`: too many requests; `retryAfterMs` says how long to wait
 * - `capacity`: the plan's concurrency is used up; waiting for a fixed time does not help
 * - `gone`: no such sandbox, template or snapshot
 * - `timeout`: the command or request ran out of its time
 * - `lost`: the answer never came, so what was asked for may or may not have happened
 * - `refused`: the provider will never accept this request
 * - `failed`: anything else; trying again may help
 */
export type ProviderFailure =
  | 'unreachable'
  | 'unauthorized'
  | 'rate'
  | 'capacity'
  | 'gone'
  | 'timeout'
  | 'lost'
  | 'refused'
  | 'failed';

/** The only error that crosses the provider port. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly failure: ProviderFailure;
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: ProviderFailure,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.failure = failure;
    this.retryAfterMs = options?.retryAfterMs;
  }
}
