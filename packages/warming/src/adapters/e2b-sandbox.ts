import { CommandExitError, FileNotFoundError, NotFoundError, type Sandbox } from 'e2b';
import type { ProviderSandbox, RunOptions, RunResult, SandboxConnection, SandboxFile } from '../provider.js';
import { providerErrorOf } from './e2b-errors.js';

/** What the engine does inside a sandbox, through a handle of the `e2b` package. */
export class E2bSandbox implements ProviderSandbox {
  readonly connection: SandboxConnection;
  readonly #sandbox: Sandbox;
  readonly #apiUrl: string;

  constructor(sandbox: Sandbox, connection: SandboxConnection, apiUrl: string) {
    this.#sandbox = sandbox;
    this.connection = connection;
    this.#apiUrl = apiUrl;
  }

  get sandboxId(): string {
    return this.connection.sandboxId;
  }

  run(command: string, options: RunOptions = {}): Promise<RunResult> {
    const { onOutput, signal } = options;
    return this.#call(
      'run a command',
      async () => {
        signal?.throwIfAborted();
        const handle = await this.#sandbox.commands.run(command, {
          ...settingsOf(options),
          background: true,
          ...(onOutput ? { onStdout: onOutput, onStderr: onOutput } : {}),
        });
        // Cutting the stream leaves the process running, so that it is killed by name.
        const stop = () => void handle.kill().catch(() => undefined);
        signal?.addEventListener('abort', stop, { once: true });
        try {
          const { exitCode, stdout, stderr } = await handle.wait();
          return { exitCode, stdout, stderr };
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof CommandExitError)
            return { exitCode: error.exitCode, stdout: error.stdout, stderr: error.stderr };
          throw error;
        } finally {
          signal?.removeEventListener('abort', stop);
        }
      },
      signal,
    );
  }

  start(command: string, options: Omit<RunOptions, 'onOutput'> = {}): Promise<{ pid: number }> {
    return this.#call(
      'start a command',
      async () => {
        const handle = await this.#sandbox.commands.run(command, {
          timeoutMs: 0,
          ...settingsOf(options),
          background: true,
        });
        const { pid } = handle;
        // The process goes on without a listener; an open stream would keep a connection busy.
        await handle.disconnect();
        return { pid };
      },
      options.signal,
    );
  }

  writeFiles(files: readonly SandboxFile[], options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#call(
      'write files',
      async () => {
        const entries = files.map(({ path, content }) => ({
          path,
          data: typeof content === 'string' ? content : exactBuffer(content),
        }));
        const [first] = entries;
        if (entries.length === 1 && first) await this.#sandbox.files.write(first.path, first.data, options);
        else if (entries.length > 1) await this.#sandbox.files.writeFiles(entries, options);
      },
      options.signal,
    );
  }

  async readFile(path: string, options: { signal?: AbortSignal } = {}): Promise<string | undefined> {
    return this.#call(
      'read a file',
      async () => {
        try {
          return await this.#sandbox.files.read(path, options);
        } catch (error) {
          if (
            error instanceof FileNotFoundError ||
            (error instanceof NotFoundError && error.name === 'FileNotFoundError')
          )
            return undefined;
          throw error;
        }
      },
      options.signal,
    );
  }

  async #call<Value>(what: string, work: () => Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw providerErrorOf(error, {
        action: `${what} in sandbox ${this.sandboxId}`,
        apiUrl: this.#apiUrl,
        late: 'timeout',
      });
    }
  }
}

function settingsOf({ cwd, env, user, timeoutMs }: RunOptions) {
  return {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { envs: env }),
    ...(user === undefined ? {} : { user }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** The bytes alone: a view may show a part of a larger buffer. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}
