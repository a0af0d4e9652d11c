import type { SandboxConnection } from '@pilotlight/warming';
import { type CommandHandle, NotFoundError, Sandbox, type SandboxConnectOpts } from 'e2b';
import { WarmerError } from '../errors.js';
import type { OnData, Terminal, TerminalProvider } from '../terminal/port.js';

/** Terminals through E2B's own client. */
export function e2bTerminals(connectionOptions: SandboxConnectOpts): TerminalProvider {
  const attach = (connection: SandboxConnection): Sandbox => {
    const { sandboxId, envdVersion, sandboxDomain, envdAccessToken, trafficAccessToken } = connection;
    return new Sandbox({
      ...connectionOptions,
      sandboxId,
      envdVersion,
      ...(sandboxDomain === undefined ? {} : { sandboxDomain }),
      ...(envdAccessToken === undefined ? {} : { envdAccessToken }),
      ...(trafficAccessToken === undefined ? {} : { trafficAccessToken }),
    });
  };
  return {
    async open(connection, size, onData) {
      const sandbox = attach(connection);
      const { columns: cols, rows } = size;
      return terminalOf(
        sandbox,
        await translate(() => sandbox.pty.create({ cols, rows, onData: taking(onData), timeoutMs: 0 })),
      );
    },
    async reopen(connection, pid, onData) {
      const sandbox = attach(connection);
      return terminalOf(
        sandbox,
        await translate(() => sandbox.pty.connect(pid, { onData: taking(onData), timeoutMs: 0 })),
      );
    },
  };
}

function taking(onData: OnData): (bytes: Uint8Array) => Promise<void> {
  return async (bytes) => onData(bytes);
}

function terminalOf(sandbox: Sandbox, handle: CommandHandle): Terminal {
  const { pid } = handle;
  return {
    pid,
    write: (bytes) => sandbox.pty.sendInput(pid, bytes),
    resize: ({ columns: cols, rows }) => sandbox.pty.resize(pid, { cols, rows }),
    async kill() {
      await sandbox.pty.kill(pid);
    },
    detach: () => handle.disconnect(),
    ended: handle.wait().then(
      ({ exitCode }) => ({ exitCode }),
      () => ({ exitCode: handle.exitCode }),
    ),
  };
}

async function translate<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof NotFoundError) {
      throw new WarmerError('not_found', 'There is no such terminal or sandbox. Open a new one.', { cause: error });
    }
    throw new WarmerError('provider_failed', 'The terminal could not be opened. Try again.', { cause: error });
  }
}
