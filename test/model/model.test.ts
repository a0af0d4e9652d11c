import { type Claim, defineRuntime, ProviderError, type RuntimeWarmingManager } from '@pilotlight/warming';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle } from '../../packages/warming/src/testing/fake-clock.js';
import { Mortal, orphanBoundMs, tool, World } from './world.js';

/** What must be true of the claims: which sandbox each key has, and which were ever handed out. */
interface Reference {
  readonly keys: Map<string, string>;
  readonly handedOut: Map<string, string>;
}

/** A fleet of two processes that come and go, over one ledger and one provider. */
class Fleet {
  readonly world = new World();
  readonly claims = new Map<string, Claim>();
  readonly #replicas = new Map<number, { manager: RuntimeWarmingManager; mortal: Mortal }>();
  generation = 0;

  replica(index: number): RuntimeWarmingManager {
    const present = this.#replicas.get(index);
    if (present && !present.mortal.dead) return present.manager;
    const mortal = new Mortal(Number.POSITIVE_INFINITY, 'before');
    const manager = this.world.manager(mortal, { runtimes: [runtimeOf(this.generation)] });
    this.#replicas.set(index, { manager, mortal });
    void manager.start().catch(() => undefined);
    return manager;
  }

  kill(index: number): void {
    const present = this.#replicas.get(index);
    if (present) present.mortal.dead = true;
  }

  redefine(): void {
    this.generation += 1;
    for (const { manager, mortal } of this.#replicas.values())
      if (!mortal.dead) manager.define(runtimeOf(this.generation));
  }

  async end(): Promise<void> {
    this.world.provider.before = () => undefined;
    this.world.provider.after = () => undefined;
    this.world.provider.maxRunning = Number.POSITIVE_INFINITY;
    const heir = this.replica(0);
    this.replica(1);
    await heir.start();
    await this.world.clock.advance(orphanBoundMs + 120_000);
  }

  async close(): Promise<void> {
    const alive = [...this.#replicas.values()].filter(({ mortal }) => !mortal.dead);
    await Promise.all(alive.map(({ manager }) => manager.close({ retirePool: true, retireClaims: true })));
  }
}

function runtimeOf(generation: number) {
  return defineRuntime({ ...tool, files: { version: String(generation) } } as Parameters<typeof defineRuntime>[0]);
}

type Step = fc.AsyncCommand<Reference, Fleet>;

const lifeMs = 600_000;

class Ask implements Step {
  constructor(
    readonly replica: number,
    readonly key: string | undefined,
  ) {}
  check = () => true;
  async run(reference: Reference, fleet: Fleet): Promise<void> {
    const { world } = fleet;
    const manager = fleet.replica(this.replica);
    const { generation } = fleet;
    const answering = manager
      .claim('tool', { lifeMs, ...(this.key === undefined ? {} : { key: this.key }) })
      .then((answer) => answer.ready)
      .catch(() => undefined);
    let claim: Claim | undefined;
    void answering.then((value) => {
      claim = value;
    });
    for (let turn = 0; turn < 20 && !claim; turn += 1) await world.clock.advance(100);
    if (!claim) return;
    const { sandboxId } = claim.connection;
    const info = world.provider.alive().find((candidate) => candidate.sandboxId === sandboxId);
    if (!info) return;
    const key = this.key ?? claim.claimId;
    const owner = reference.handedOut.get(sandboxId);
    expect(owner ?? key, 'I1 and I7: one claimant per sandbox, ever').toBe(key);
    const before = this.key === undefined ? undefined : reference.keys.get(this.key);
    if (before && fleet.claims.has(before) && world.provider.sandboxes.has(before)) {
      expect(sandboxId, 'I4: the same key gives the same sandbox').toBe(before);
    } else {
      expect(info.endsAtMs - world.clock.nowMs(), 'I6: as much life as was asked for').toBeGreaterThanOrEqual(
        lifeMs - 2_000,
      );
      if (generation === fleet.generation) {
        expect(info.metadata['pilotlight.spec'], 'I5: no stale spec').toBe(manager.pools()[0]?.specKey);
      }
    }
    reference.handedOut.set(sandboxId, key);
    reference.keys.set(key, sandboxId);
    if (await settled(claim.ack())) fleet.claims.set(sandboxId, claim);
  }
  toString = () => `claim(replica ${this.replica}, key ${this.key ?? 'none'})`;
}

class Retire implements Step {
  constructor(readonly which: number) {}
  check = () => true;
  async run(_reference: Reference, fleet: Fleet): Promise<void> {
    const claim = [...fleet.claims.values()][this.which % Math.max(1, fleet.claims.size)];
    if (!claim) return;
    fleet.claims.delete(claim.connection.sandboxId);
    await settled(claim.retire());
  }
  toString = () => `retire(${this.which})`;
}

class Wait implements Step {
  constructor(readonly ms: number) {}
  check = () => true;
  async run(_reference: Reference, { world, claims }: Fleet): Promise<void> {
    await world.clock.advance(this.ms);
    for (const id of claims.keys()) if (!world.provider.sandboxes.has(id)) claims.delete(id);
  }
  toString = () => `wait(${this.ms} ms)`;
}

class Kill implements Step {
  constructor(readonly replica: number) {}
  check = () => true;
  async run(_reference: Reference, fleet: Fleet): Promise<void> {
    fleet.kill(this.replica);
    await settle();
  }
  toString = () => `SIGKILL(replica ${this.replica})`;
}

class Vanish implements Step {
  constructor(readonly which: number) {}
  check = () => true;
  async run(_reference: Reference, fleet: Fleet): Promise<void> {
    const ids = [...fleet.world.provider.sandboxes.keys()];
    const id = ids[this.which % Math.max(1, ids.length)];
    if (id === undefined) return;
    fleet.world.provider.sandboxes.delete(id);
    fleet.claims.delete(id);
  }
  toString = () => `a sandbox vanishes(${this.which})`;
}

class Redefine implements Step {
  check = () => true;
  async run(_reference: Reference, fleet: Fleet): Promise<void> {
    fleet.redefine();
    await fleet.world.clock.advance(200);
  }
  toString = () => 'the runtime changes';
}

class Faults implements Step {
  constructor(readonly kind: 'none' | 'lost creates' | 'no room' | 'failing') {}
  check = () => true;
  async run(_reference: Reference, { world: { provider } }: Fleet): Promise<void> {
    const { kind } = this;
    provider.maxRunning = kind === 'no room' ? provider.alive().length : Number.POSITIVE_INFINITY;
    provider.after = (operation) => {
      if (kind === 'lost creates' && operation === 'create') throw new ProviderError('lost', 'reset');
    };
    provider.before = (operation) => {
      if (kind === 'failing' && operation !== 'list') throw new ProviderError('failed', 'out of order');
    };
  }
  toString = () => `faults: ${this.kind}`;
}

async function settled(work: Promise<unknown>): Promise<boolean> {
  let result: boolean | undefined;
  work.then(
    () => {
      result = true;
    },
    () => {
      result = false;
    },
  );
  for (let turn = 0; turn < 4 && result === undefined; turn += 1) await settle();
  return result ?? false;
}

const steps: fc.Arbitrary<Step>[] = [
  fc
    .tuple(fc.nat(1), fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }))
    .map(([replica, key]) => new Ask(replica, key)),
  fc.nat(1).map((replica) => new Ask(replica, undefined)),
  fc.nat(5).map((which) => new Retire(which)),
  fc.constantFrom(10, 100, 1_000, 20_000).map((ms) => new Wait(ms)),
  fc.nat(1).map((replica) => new Kill(replica)),
  fc.nat(9).map((which) => new Vanish(which)),
  fc.constant(new Redefine()),
  fc
    .constantFrom('none' as const, 'lost creates' as const, 'no room' as const, 'failing' as const)
    .map((kind) => new Faults(kind)),
];

describe('a fleet of two processes that die, over a provider that fails, as a small pool sees it', () => {
  it('I1 I2 I3 I4 I5 I6 I7 I9 hold whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 30 }), async (commands) => {
        const fleet = new Fleet();
        await fc.asyncModelRun(() => ({ model: { keys: new Map(), handedOut: new Map() }, real: fleet }), commands);
        await fleet.end();
        const { world } = fleet;
        expect(world.provider.peak, 'I2: never more than max').toBeLessThanOrEqual(tool.pool.max);
        expect(await world.loose(), 'I3: every sandbox in exactly one state').toEqual({
          orphans: [],
          ghosts: [],
          shared: [],
        });
        const states = await world.states();
        expect(
          states.filter((name) => name === 'hot'),
          'I9: the deficit closes',
        ).toHaveLength(Math.min(2, tool.pool.max - states.filter((name) => name === 'claimed').length));
        for (const id of fleet.claims.keys()) {
          const ended = (world.provider.sandboxes.get(id)?.info.endsAtMs ?? 0) <= world.clock.nowMs();
          expect(ended || world.provider.sandboxes.has(id), 'no claim is lost').toBe(true);
          expect(world.provider.killed, 'no acknowledged claim is killed').not.toContain(id);
        }
        await fleet.close();
      }),
      { numRuns: Number(process.env.MODEL_RUNS ?? 120) },
    );
  }, 600_000);
});
