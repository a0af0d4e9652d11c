import { Readable } from 'node:stream';
import { ByteLengthQueuingStrategy, type ReadableStream as NodeStream } from 'node:stream/web';
import { isSnapshotError, SnapshotError } from '../errors.js';

/** What is needed of a sandbox. An `e2b` `Sandbox` fits as it is; inside it, `sh` and `tar` are enough. */
export interface WorkspaceSandbox {
  commands: {
    /** Runs a shell command. A non-zero exit may be an answer or an error with an `exitCode`. */
    run(
      command: string,
      options?: { timeoutMs?: number; user?: string; signal?: AbortSignal },
    ): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  };
  files: {
    read(path: string, options: { format: 'bytes'; user?: string; signal?: AbortSignal }): Promise<Uint8Array>;
    read(
      path: string,
      options: { format: 'stream'; user?: string; signal?: AbortSignal },
    ): Promise<ReadableStream<Uint8Array>>;
    write(
      path: string,
      data: ArrayBuffer | ReadableStream<Uint8Array>,
      options?: { user?: string; signal?: AbortSignal },
    ): Promise<unknown>;
  };
}

/** How to talk to a sandbox. */
export interface SandboxAccess {
  /** User whose files they are. @default the sandbox's own default */
  user?: string;
  /** Time for each command. @default 120_000 */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ScriptResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a script with `sh`, whatever the shell of the user; a non-zero exit is an answer. */
export async function runScript(
  sandbox: WorkspaceSandbox,
  script: string,
  access: SandboxAccess,
): Promise<ScriptResult> {
  try {
    return await sandbox.commands.run(`sh -c ${quote(script)}`, requestOptions(access));
  } catch (error) {
    const { exitCode, stdout, stderr } = error as Partial<ScriptResult>;
    if (typeof exitCode === 'number') return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' };
    if (access.signal?.aborted) {
      throw new SnapshotError('cancelled', 'The work in the sandbox was cancelled by its signal.', { cause: error });
    }
    throw new SnapshotError(
      'sandbox_failed',
      `The sandbox did not carry out a command: ${(error as Error).message}. Check that it still runs, then try again.`,
      { cause: error },
    );
  }
}

/** As {@link runScript}, but anything else than exit code 0 is an error. */
export async function expectScript(
  sandbox: WorkspaceSandbox,
  script: string,
  access: SandboxAccess,
  doing: string,
): Promise<string> {
  const result = await runScript(sandbox, script, access);
  if (result.exitCode === 0) return result.stdout;
  throw new SnapshotError(
    'sandbox_failed',
    `${doing} failed in the sandbox with exit code ${result.exitCode}: ${result.stderr.trim().slice(-500) || '(no output)'}. Correct that and try again.`,
  );
}

export function requestOptions(access: SandboxAccess): { timeoutMs: number; user?: string; signal?: AbortSignal } {
  return { timeoutMs: access.timeoutMs ?? 120_000, ...fileOptions(access) };
}

export function fileOptions(access: SandboxAccess): { user?: string; signal?: AbortSignal } {
  return {
    ...(access.user !== undefined && { user: access.user }),
    ...(access.signal && { signal: access.signal }),
  };
}

/** Writes bytes into a file of the sandbox. */
export function writeBytes(
  sandbox: WorkspaceSandbox,
  path: string,
  bytes: Buffer,
  access: SandboxAccess,
): Promise<void> {
  const data = new ArrayBuffer(bytes.length);
  new Uint8Array(data).set(bytes);
  return write(sandbox, path, data, access);
}

/** Writes a stream into a file of the sandbox, without holding it in memory. */
export function writeStream(
  sandbox: WorkspaceSandbox,
  path: string,
  stream: Readable,
  access: SandboxAccess,
): Promise<void> {
  // Without a strategy of its own the web stream counts chunks where it should count bytes, and takes in everything.
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: queuedBytes });
  const web = Readable.toWeb(stream, { strategy }) as NodeStream<Uint8Array> as ReadableStream<Uint8Array>;
  return write(sandbox, path, web, access);
}

const queuedBytes = 256 * 1024;

async function write(
  sandbox: WorkspaceSandbox,
  path: string,
  data: ArrayBuffer | ReadableStream<Uint8Array>,
  access: SandboxAccess,
): Promise<void> {
  try {
    await sandbox.files.write(path, data, fileOptions(access));
  } catch (cause) {
    if (isSnapshotError(cause)) throw cause;
    throw new SnapshotError(
      'sandbox_failed',
      `${path} could not be written in the sandbox: ${(cause as Error).message}. Check its disk space and the user's rights.`,
      { cause },
    );
  }
}

/** One word for `sh`, whatever it holds. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
