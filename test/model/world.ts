import {
  defineRuntime,
  type Ledger,
  MemoryLedger,
  type Runtime,
  RuntimeWarmingManager,
  type RuntimeWarmingManagerOptions,
  type SlotRecord,
} from '@pilotlight/warming';
import { FakeClock } from '../../packages/warming/src/testing/fake-clock.js';
import { FakeProvider } from '../../packages/warming/src/testing/fake-provider.js';

/** Every call of one process to the outside passes here: it can be counted, made to wait, or be its last. */
export interface Passage {
  before(port: 'ledger' | 'provider', operation: string): Promise<void> | void;
  after(port: 'ledger' | 'provider', operation: string): Promise<void> | void;
}

/** A process that dies at one of its calls, before or after the call had its effect. From then on it does nothing. */
export class Mortal implements Passage {
  calls = 0;
  readonly #lastCall: number;
  readonly #when: 'before' | 'after';
  dead = false;

  constructor(lastCall: number, when: 'before' | 'after') {
    this.#lastCall = lastCall;
    this.#when = when;
  }

  before(): Promise<void> | void {
    this.calls += 1;
    if (this.#when === 'before' && this.calls === this.#lastCall) this.dead = true;
    if (this.dead) return forever();
  }

  after(): Promise<void> | void {
    if (this.#when === 'after' && this.calls >= this.#lastCall) this.dead = true;
    if (this.dead) return forever();
  }
}

/** What outlives a process: time, the provider and the ledger. */
export class World {
  readonly clock = new FakeClock();
  readonly provider = new FakeProvider(this.clock);
  readonly ledger: Ledger = new MemoryLedger(this.clock, 'epoch');
  /** Every record that was written as claimed, by sandbox: the history that exclusivity is checked on. */
  readonly claimants = new Map<string, Set<string>>();
  #ids = 0;

  /** A process of the fleet. */
  manager(passage?: Passage, options: Partial<RuntimeWarmingManagerOptions> = {}): RuntimeWarmingManager {
    return new RuntimeWarmingManager({
      provider: through(this.provider, 'provider', passage),
      ledger: through(this.#recorded(), 'ledger', passage),
      fleet: 'fleet',
      clock: this.clock,
      random: () => 0,
      newId: () => `id-${++this.#ids}`,
      runtimes: [tool],
      ...bounds,
      ...options,
    });
  }

  /** Sandboxes that the ledger does not know, and records of sandboxes that are not there: both must be empty (I3). */
  async loose(): Promise<{ orphans: string[]; ghosts: string[]; shared: string[] }> {
    const records = await this.ledger.all();
    const owners = new Map<string, number>();
    for (const { state } of records) {
      const id = 'place' in state ? state.place.sandboxId : state.name === 'retiring' ? state.sandboxId : undefined;
      if (id !== undefined) owners.set(id, (owners.get(id) ?? 0) + 1);
    }
    const alive = this.provider.alive().map((info) => info.sandboxId);
    return {
      orphans: alive.filter((id) => !owners.has(id)),
      ghosts: [...owners.keys()].filter((id) => !alive.includes(id)),
      shared: [...owners].filter(([, count]) => count > 1).map(([id]) => id),
    };
  }

  /** Snapshots that no link names. */
  async unlinked(): Promise<string[]> {
    const linked = new Set((await this.ledger.links()).map((link) => link.snapshotId));
    return [...this.provider.snapshots].filter((snapshotId) => !linked.has(snapshotId));
  }

  async states(): Promise<string[]> {
    return (await this.ledger.all()).map(({ state }) => state.name).sort();
  }

  #recorded(): Ledger {
    const note = (record: SlotRecord | undefined) => {
      if (record?.state.name !== 'claimed') return;
      const { sandboxId } = record.state.place;
      this.claimants.set(sandboxId, (this.claimants.get(sandboxId) ?? new Set()).add(record.state.claim.claimId));
    };
    return new Proxy(this.ledger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'shared') return true;
        if (typeof value !== 'function') return value;
        return (...values: unknown[]) => {
          const result: unknown = Reflect.apply(value, target, values);
          if (name === 'write') void (result as Promise<SlotRecord | undefined>).then(note);
          if (name === 'take') {
            void (result as ReturnType<Ledger['take']>).then((taken) =>
              note(taken.kind === 'taken' ? taken.record : undefined),
            );
          }
          return result;
        };
      },
    });
  }
}

export const tool: Runtime = defineRuntime({
  name: 'tool',
  steps: [{ name: 'install', run: 'install it' }],
  pool: { target: 2, max: 8 },
});

/** Short, so that the stated bound on orphans can be waited for. */
export const bounds = { leaseMs: 3_000, sweepMs: 5_000, orphanGraceMs: 10_000 } as const;

/** Within this time of a crash everything is adopted or killed: lease, grace, two sweeps, and the work itself. */
export const orphanBoundMs = bounds.leaseMs * 3 + bounds.orphanGraceMs * 2 + bounds.sweepMs * 2 + 5_000;

function through<Port extends object>(port: Port, name: 'ledger' | 'provider', passage: Passage | undefined): Port {
  if (!passage) return port;
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function' || key === 'nowMs' || key === 'watch') return value;
      const call = (...values: unknown[]): unknown => Reflect.apply(value, target, values);
      if (key === 'attach') return (...values: unknown[]) => through(call(...values) as object, name, passage);
      if (key === 'list' || key === 'listSnapshots')
        return (...values: unknown[]) => passList(call(...values) as AsyncIterable<unknown>, key, passage);
      return async (...values: unknown[]) => {
        await passage.before(name, String(key));
        const result = await call(...values);
        await passage.after(name, String(key));
        return key === 'create' || key === 'connect' ? through(result as object, name, passage) : result;
      };
    },
  });
}

async function* passList(list: AsyncIterable<unknown>, operation: string, passage: Passage): AsyncIterable<unknown> {
  await passage.before('provider', operation);
  const found = [];
  for await (const info of list) found.push(info);
  await passage.after('provider', operation);
  yield* found;
}

function forever(): Promise<void> {
  return new Promise(() => undefined);
}
