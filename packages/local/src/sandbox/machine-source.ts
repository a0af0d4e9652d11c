import type { Machine, MachineFactory, MachineSpec, MachineVolume } from '../isolation/machine.js';
import type { LayerStore } from '../storage/layers.js';
import { newBootId, newSandboxId } from './identity.js';

/** A machine and the id its files are kept under, which is its sandbox's. */
export interface StartedMachine {
  id: string;
  machine: Machine;
}

interface Prepared {
  id: string;
  layers: readonly string[];
  /** Undefined when it could not be made, or ended by itself. */
  started: Promise<StartedMachine | undefined>;
  timer: NodeJS.Timeout;
}

/** At most so many machines wait. */
const preparedLimit = 3;
const unusedMs = 10_000;

/**
 * Machines for sandboxes. Who has made one sandbox often makes another from the same layers: one machine of that kind is
 * made ahead, without anybody's settings, and thrown away when nobody asks for it. Two are, once one was asked for:
 * making one takes longer than who makes many takes between two.
 */
export class MachineSource {
  private readonly prepared: Prepared[] = [];
  private readonly discards = new Set<Promise<void>>();
  private readonly factory: MachineFactory;
  private readonly layers: LayerStore;
  /** The layers that were asked for again. */
  private repeated: string | undefined;
  private closed = false;

  constructor(factory: MachineFactory, layers: LayerStore) {
    this.factory = factory;
    this.layers = layers;
  }

  /** The caller holds the layers. */
  async create(layers: readonly string[], volumes: readonly MachineVolume[]): Promise<StartedMachine> {
    const ready = volumes.length === 0 ? await this.take(layers) : undefined;
    return ready ?? this.begin({ id: newSandboxId(), layers, volumes });
  }

  /** Starts a machine again over the files of a sandbox. They stay when it fails. */
  again(id: string, layers: readonly string[], volumes: readonly MachineVolume[]): Promise<Machine> {
    return this.start({ id, layers, volumes });
  }

  /** Another sandbox over these layers is expected. Where a machine is a copy of its files, none is made for that. */
  prepare(layers: readonly string[]): void {
    if (this.closed || this.factory.level === 'process') {
      return;
    }
    const key = keyOf(layers);
    const waiting = this.prepared.filter((prepared) => keyOf(prepared.layers) === key).length;
    for (let count = waiting; count < (this.repeated === key ? 2 : 1); count += 1) {
      this.prepareOne(layers);
    }
  }

  private prepareOne(layers: readonly string[]): void {
    while (this.prepared.length >= preparedLimit) {
      this.discard(this.prepared[0] as Prepared);
    }
    this.layers.retain(layers);
    const id = newSandboxId();
    const started = this.begin({ id, layers, ahead: true }).catch(() => undefined);
    const timer = setTimeout(() => this.discard(prepared), unusedMs);
    timer.unref();
    const prepared = { id, layers, started, timer };
    this.prepared.push(prepared);
    void started.then((made) => made?.machine.ended.then(() => this.discard(prepared)));
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const prepared of [...this.prepared]) {
      this.discard(prepared);
    }
    await Promise.all(this.discards);
  }

  private start(spec: Omit<MachineSpec, 'hostname' | 'bootId'>): Promise<Machine> {
    return this.factory.create({ ...spec, hostname: 'sandbox', bootId: newBootId() });
  }

  private async begin(spec: Omit<MachineSpec, 'hostname' | 'bootId'>): Promise<StartedMachine> {
    try {
      return { id: spec.id, machine: await this.start(spec) };
    } catch (error) {
      this.layers.removeSandbox(spec.id);
      throw error;
    }
  }

  private async take(layers: readonly string[]): Promise<StartedMachine | undefined> {
    const found = this.find(layers);
    if (!found || !this.remove(found)) {
      return undefined;
    }
    this.repeated = keyOf(layers);
    this.layers.release(layers);
    this.factory.hurry(found.id);
    return found.started;
  }

  private find(layers: readonly string[]): Prepared | undefined {
    const key = keyOf(layers);
    return this.prepared.find((prepared) => keyOf(prepared.layers) === key);
  }

  /** False when somebody else has it. */
  private remove(prepared: Prepared): boolean {
    const index = this.prepared.indexOf(prepared);
    if (index < 0) {
      return false;
    }
    this.prepared.splice(index, 1);
    clearTimeout(prepared.timer);
    return true;
  }

  private discard(prepared: Prepared): void {
    if (this.remove(prepared)) {
      // What could not be ended here ends with the host.
      const ending = this.end(prepared)
        .catch(() => {})
        .finally(() => this.discards.delete(ending));
      this.discards.add(ending);
    }
  }

  private async end(prepared: Prepared): Promise<void> {
    const made = await prepared.started;
    await made?.machine.kill();
    if (made) {
      this.layers.removeSandbox(made.id);
    }
    this.layers.release(prepared.layers);
  }
}

function keyOf(layers: readonly string[]): string {
  return layers.join(':');
}
