import type { SandboxConnection } from '@pilotlight/warming';
import type { WireTerminalAnswer } from '@pilotlight/warming/wire';
import { WarmerError } from '../errors.js';
import type { Terminal, TerminalProvider, TerminalSize } from './port.js';
import { OutputWindow } from './window.js';

/** The end of a terminal that a person sees. */
export interface TerminalViewer {
  data(bytes: Uint8Array): void;
  tell(answer: WireTerminalAnswer): void;
  close(): void;
}

/** One viewer's hold on a terminal. */
export interface TerminalSession {
  input(bytes: Uint8Array): void;
  resize(size: TerminalSize): void;
  consumed(bytes: number): void;
  /** The viewer's connection is gone; the terminal waits a while for them to come back. */
  leave(): void;
}

interface OpenTerminal {
  tenant: string;
  sandboxId: string;
  terminal: Terminal;
  window: OutputWindow;
  viewer: TerminalViewer | undefined;
  input: Uint8Array[];
  writing: boolean;
  abandoned: ReturnType<typeof setTimeout> | undefined;
}

const windowBytes = 262_144;
const graceMs = 60_000;

/** Keeps terminals open over lost connections, and each of them to its own tenant and sandbox. */
export class TerminalHost {
  readonly #provider: TerminalProvider;
  readonly #perTenant: number;
  readonly #open = new Map<string, OpenTerminal>();

  constructor(parts: { provider: TerminalProvider; terminalsPerTenant: number }) {
    this.#provider = parts.provider;
    this.#perTenant = parts.terminalsPerTenant;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a terminal in a sandbox of which the caller knows that it is the tenant's, or comes back to one.
   *
   * @throws {@link WarmerError} `too_many_followers`, `not_found`, `sandbox_gone`
   */
  async join(
    place: { tenant: string; connection: SandboxConnection; size: TerminalSize; terminalId: string | undefined },
    viewer: TerminalViewer,
  ): Promise<TerminalSession> {
    const id = place.terminalId === undefined ? undefined : keyOf(place.connection.sandboxId, place.terminalId);
    const known = id === undefined ? undefined : this.#open.get(id);
    const open = known ?? (await this.#begin(place));
    if (open.viewer && open.viewer !== viewer) open.viewer.close();
    clearTimeout(open.abandoned);
    open.viewer = viewer;
    viewer.tell({
      type: 'opened',
      terminalId: String(open.terminal.pid),
      resumed: place.terminalId !== undefined,
      windowBytes,
    });
    open.window.attach((bytes) => viewer.data(bytes));
    if (known) this.#resize(open, place.size);
    return {
      input: (bytes) => this.#input(open, bytes),
      resize: (size) => this.#resize(open, size),
      consumed: (bytes) => open.window.consumed(bytes),
      leave: () => this.#leave(open, viewer),
    };
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(
      all.map(async (open) => {
        clearTimeout(open.abandoned);
        open.window.open();
        open.viewer?.close();
        await open.terminal.detach();
      }),
    );
  }

  async #begin(place: {
    tenant: string;
    connection: SandboxConnection;
    size: TerminalSize;
    terminalId: string | undefined;
  }): Promise<OpenTerminal> {
    const { tenant, connection, size, terminalId } = place;
    const count = [...this.#open.values()].filter((open) => open.tenant === tenant).length;
    if (count >= this.#perTenant) {
      throw new WarmerError('too_many_followers', `${count} terminals are open. Close one and try again.`);
    }
    const window = new OutputWindow(windowBytes);
    const onData = (bytes: Uint8Array): Promise<void> => window.push(bytes);
    const terminal =
      terminalId === undefined
        ? await this.#provider.open(connection, size, onData)
        : await this.#provider.reopen(connection, processId(terminalId), onData);
    const open: OpenTerminal = {
      tenant,
      sandboxId: connection.sandboxId,
      terminal,
      window,
      viewer: undefined,
      input: [],
      writing: false,
      abandoned: undefined,
    };
    const key = keyOf(connection.sandboxId, String(terminal.pid));
    this.#open.set(key, open);
    void terminal.ended.then(({ exitCode }) => {
      this.#open.delete(key);
      clearTimeout(open.abandoned);
      open.viewer?.tell(exitCode === undefined ? { type: 'ended' } : { type: 'ended', exitCode });
      open.viewer?.close();
    });
    return open;
  }

  /** One request at a time, in order; what is typed meanwhile goes along with the next. */
  #input(open: OpenTerminal, bytes: Uint8Array): void {
    open.input.push(bytes);
    if (open.writing) return;
    open.writing = true;
    void this.#write(open);
  }

  async #write(open: OpenTerminal): Promise<void> {
    try {
      while (open.input.length > 0) await open.terminal.write(Buffer.concat(open.input.splice(0)));
    } catch {
      open.viewer?.tell({
        type: 'error',
        error: { code: 'sandbox_gone', message: 'The terminal is gone. Open another one.' },
      });
      open.viewer?.close();
    } finally {
      open.writing = false;
    }
  }

  #resize(open: OpenTerminal, size: TerminalSize): void {
    // A terminal that ended meanwhile says so itself.
    open.terminal.resize(size).catch(() => undefined);
  }

  #leave(open: OpenTerminal, viewer: TerminalViewer): void {
    if (open.viewer !== viewer) return;
    open.viewer = undefined;
    open.window.detach();
    open.abandoned = setTimeout(() => {
      open.window.open();
      open.terminal.kill().catch(() => undefined);
    }, graceMs);
    open.abandoned.unref();
  }
}

function keyOf(sandboxId: string, terminalId: string): string {
  return `${sandboxId}/${terminalId}`;
}

function processId(terminalId: string): number {
  const pid = Number(terminalId);
  if (Number.isSafeInteger(pid) && pid > 0) return pid;
  throw new WarmerError('not_found', `There is no terminal "${terminalId}". Open a new one.`);
}
