import type {
  CreateRequest,
  ProviderSandbox,
  ProviderSandboxInfo,
  SandboxConnection,
  SandboxProvider,
} from '@pilotlight/warming';
import type { TerminalProvider } from '../../packages/warmer/src/terminal/port.js';

/**
 * A provider that answers at once and holds nothing but records. It stands in for E2B where the service's own share is
 * measured: at 200 claims a second a real host on this machine would measure its own processes instead.
 */
export class InstantProvider implements SandboxProvider {
  readonly name = 'instant';
  readonly #sandboxes = new Map<string, ProviderSandboxInfo>();
  #count = 0;
  #openGate = (): void => {};
  readonly #gate = new Promise<void>((resolve) => {
    this.#openGate = resolve;
  });

  /** Lets the commands go on that run `gate`: whoever follows their claim is there by then. */
  openGate(): void {
    this.#openGate();
  }

  async create(request: CreateRequest): Promise<ProviderSandbox> {
    this.#count += 1;
    const sandboxId = `bench${this.#count}`;
    const nowMs = Date.now();
    this.#sandboxes.set(sandboxId, {
      sandboxId,
      state: 'running',
      template: request.template,
      metadata: request.metadata,
      startedAtMs: nowMs,
      endsAtMs: nowMs + request.timeoutMs,
    });
    return this.attach({ sandboxId, envdVersion: '0.6.13', envdAccessToken: 'a'.repeat(32) });
  }

  async connect(sandboxId: string): Promise<ProviderSandbox> {
    return this.attach({ sandboxId, envdVersion: '0.6.13' });
  }

  attach(connection: SandboxConnection): ProviderSandbox {
    return {
      sandboxId: connection.sandboxId,
      connection,
      run: async (command) => {
        if (command.includes('gate')) await this.#gate;
        return { exitCode: 0, stdout: '', stderr: '' };
      },
      start: async () => ({ pid: 1 }),
      writeFiles: async () => {},
      readFile: async () => undefined,
    };
  }

  async *list(): AsyncIterable<ProviderSandboxInfo> {
    yield* this.#sandboxes.values();
  }

  async info(sandboxId: string): Promise<ProviderSandboxInfo | undefined> {
    return this.#sandboxes.get(sandboxId);
  }

  async kill(sandboxId: string): Promise<boolean> {
    return this.#sandboxes.delete(sandboxId);
  }

  async setTimeout(sandboxId: string, timeoutMs: number): Promise<void> {
    const known = this.#sandboxes.get(sandboxId);
    if (known) known.endsAtMs = Date.now() + timeoutMs;
  }
}

/** A terminal whose program sends back what is typed, with nothing between: what is left is the service's own share. */
export const instantTerminals: TerminalProvider = {
  open: async (_connection, _size, onData) => ({
    pid: 1,
    write: async (bytes) => onData(bytes),
    resize: async () => {},
    kill: async () => {},
    detach: async () => {},
    ended: new Promise(() => {}),
  }),
  reopen: () => Promise.reject(new Error('none was left')),
};
