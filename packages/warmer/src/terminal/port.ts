import type { SandboxConnection } from '@pilotlight/warming';

/** One terminal inside a sandbox. */
export interface Terminal {
  readonly pid: number;
  /** In the order of the calls. Rejects when the terminal is gone. */
  write(bytes: Uint8Array): Promise<void>;
  resize(size: TerminalSize): Promise<void>;
  kill(): Promise<void>;
  /** Stops listening; the terminal itself goes on. */
  detach(): Promise<void>;
  /** Settles when the terminal ended, with its exit code when it is known. Never rejects. */
  readonly ended: Promise<{ exitCode: number | undefined }>;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** The port to terminals inside sandboxes. */
export interface TerminalProvider {
  /**
   * Opens a terminal. `onData` is awaited before more is read: whoever cannot take more holds it back.
   *
   * @throws {@link WarmerError} `sandbox_gone` or `provider_failed`
   */
  open(connection: SandboxConnection, size: TerminalSize, onData: OnData): Promise<Terminal>;
  /** Comes back to a terminal by its process id. @throws {@link WarmerError} `not_found` when it has ended */
  reopen(connection: SandboxConnection, pid: number, onData: OnData): Promise<Terminal>;
}

export type OnData = (bytes: Uint8Array) => Promise<void> | void;
