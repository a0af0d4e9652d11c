import type { SlotPlace, SlotRecord } from '../ledger/record.js';
import type { ProviderSandbox, SandboxConnection, SandboxProvider } from '../provider.js';
import type { Sealer } from './seal.js';

/** The connections this process knows. The ledger gets them sealed, or without their secrets. */
export class Connections {
  readonly #known = new Map<string, SandboxConnection>();
  readonly #provider: SandboxProvider;
  readonly #sealer: Sealer | undefined;

  constructor(provider: SandboxProvider, sealer: Sealer | undefined) {
    this.#provider = provider;
    this.#sealer = sealer;
  }

  /** Remembers a connection and gives what may be stored of it. */
  keep(connection: SandboxConnection): SlotPlace {
    this.#known.set(connection.sandboxId, connection);
    const { sandboxId, sandboxDomain, envdVersion } = connection;
    return {
      sandboxId,
      envdVersion,
      ...(sandboxDomain === undefined ? {} : { sandboxDomain }),
      ...(this.#sealer ? { sealed: this.#sealer.seal(connection) } : {}),
    };
  }

  /** The connection of a sandbox, as far as it is known without a request. */
  known(place: SlotPlace): SandboxConnection | undefined {
    return this.#known.get(place.sandboxId) ?? this.#sealer?.open(place);
  }

  /** Without a request when this process made the sandbox or holds the key; else by asking the provider once. */
  async open(place: SlotPlace, timeoutMs: number): Promise<ProviderSandbox> {
    const known = this.known(place);
    if (known) {
      this.#known.set(place.sandboxId, known);
      return this.#provider.attach(known);
    }
    return this.resume(place, timeoutMs);
  }

  /** Resumes a paused sandbox, or attaches to a running one, by asking the provider. */
  async resume(place: SlotPlace, timeoutMs: number): Promise<ProviderSandbox> {
    const sandbox = await this.#provider.connect(place.sandboxId, { timeoutMs });
    this.#known.set(place.sandboxId, sandbox.connection);
    return sandbox;
  }

  forget(record: SlotRecord): void {
    if ('place' in record.state) this.#known.delete(record.state.place.sandboxId);
    else if (record.state.name === 'retiring' && record.state.sandboxId) this.#known.delete(record.state.sandboxId);
  }
}
