import type { CreateGate } from '../budget/gate.js';
import type { DurationBook } from '../claim/durations.js';
import type { ClaimHandle } from '../claim/handle.js';
import type { Clock } from '../clock.js';
import type { WarmingEvents } from '../events.js';
import type { Ledger } from '../ledger/ledger.js';
import type { EngineSettings } from '../options.js';
import type { SandboxProvider } from '../provider.js';
import type { Sharing } from '../specialise/sharing.js';
import type { StatsBook } from '../stats/book.js';
import type { Connections } from './connections.js';
import type { Keeper } from './keeper.js';
import type { Links } from './links.js';

/** What every part of the engine shares: its ports, its settings and its name. */
export interface Fleet {
  readonly name: string;
  /** This process among those of the fleet. */
  readonly replica: string;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly provider: SandboxProvider;
  readonly settings: EngineSettings;
  readonly gate: CreateGate;
  readonly connections: Connections;
  readonly links: Links;
  readonly keeper: Keeper;
  readonly sharing: Sharing;
  readonly durations: DurationBook;
  readonly stats: StatsBook;
  /** Claims handed out by this process that have not ended through their handle. */
  readonly handles: Set<ClaimHandle>;
  /** In [0, 1). */
  random(): number;
  newId(): string;
  emit<Name extends keyof WarmingEvents>(name: Name, ...event: WarmingEvents[Name]): void;
  /** How long a sandbox of this pool took: from its order to hot, or from a generic one to one of the runtime. */
  measuredLead(pool: string, tier: 'hot' | 'generic', measuredMs: number): void;
  /** A slot of this pool ended: it may need another one, and others may find room. */
  changed(pool: string): void;
  /** As {@link background}, after a delay; dropped when the manager closes before. */
  later(delayMs: number, runtime: string | undefined, work: () => Promise<unknown>): void;
  /** Work that goes on in the background; `close` waits for it. Its error becomes an event. */
  background(runtime: string | undefined, work: () => Promise<unknown>): void;
}
