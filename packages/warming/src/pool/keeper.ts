import type { SlotPlace } from '../ledger/record.js';
import type { SandboxConnection } from '../provider.js';
import type { Fleet } from './fleet.js';

type KeeperFleet = Pick<Fleet, 'clock' | 'provider' | 'settings' | 'connections' | 'background'>;

/** Sandboxes of one pool that are kept at hand, where each has an address of its own. */
const mostPerPool = 16;

/** Keeps the way to hot sandboxes open, so that no first command of a claim pays for DNS, TCP or TLS. */
export class Keeper {
  readonly #fleet: KeeperFleet;
  /** Hot sandboxes by pool, as last seen, those first that are taken first. */
  readonly #hot = new Map<string, readonly SlotPlace[]>();
  #cancel: (() => void) | undefined;

  constructor(fleet: KeeperFleet) {
    this.#fleet = fleet;
  }

  /** A pool has these hot sandboxes now. */
  see(pool: string, places: readonly SlotPlace[]): void {
    if (places.length > 0) this.#hot.set(pool, places.slice(0, mostPerPool));
    else this.#hot.delete(pool);
  }

  start(): void {
    const { clock, provider, settings } = this.#fleet;
    if (this.#cancel || settings.keepConnectedMs === 0 || !provider.keepConnected) return;
    const turn = () => {
      this.#cancel = clock.schedule(settings.keepConnectedMs, turn);
      const connections = this.#connections();
      if (connections.length > 0) this.#fleet.background(undefined, async () => provider.keepConnected?.(connections));
    };
    turn();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Of those whose secrets this process knows: the others cost a request at the claim in any case. */
  #connections(): SandboxConnection[] {
    return [...this.#hot.values()].flat().flatMap((place) => this.#fleet.connections.known(place) ?? []);
  }
}
