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

/** At most so many machines wait, each over other layers than the others. */
const preparedLimit = 2;
const unusedMs = 10_000;

/**
 * Machines for sandboxes. Who has made one sandbox often makes another from the same layers: one machine of that kind is
 * made ahead, without anybody's settings, and thrown away when nobody asks for it.
 */
export class MachineSource {
  private readonly prepared: Prepared[] = [];
  private readonly factory: MachineFactory;
  private readonly layers: LayerStore;
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

  /** Starts a machine again for a sandbox that has an id. */
  async again(id: string, layers: readonly string[], volumes: readonly MachineVolume[]): Promise<Machine> {
    return (await this.begin({ id, layers, volumes })).machine;
  }

  /** Another sandbox over these layers is expected. Where a machine is a copy of its files, none is made for that. */
  prepare(layers: readonly string[]): void {
    if (this.closed || this.factory.level === 'process' || this.find(layers)) {
      return;
    }
    while (this.prepared.length >= preparedLimit) {
      void this.discard(this.prepared[0] as Prepared);
    }
    this.layers.retain(layers);
    const id = newSandboxId();
    const started = this.begin({ id, layers, ahead: true }).catch(() => undefined);
    const timer = setTimeout(() => void this.discard(prepared), unusedMs);
    timer.unref();
    const prepared = { id, layers, started, timer };
    this.prepared.push(prepared);
    void started.then((made) => made?.machine.ended.then(() => this.discard(prepared)));
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.prepared].map((prepared) => this.discard(prepared)));
  }

  private async begin(spec: Omit<MachineSpec, 'hostname' | 'bootId'>): Promise<StartedMachine> {
    try {
      const machine = await this.factory.create({ ...spec, hostname: 'sandbox', bootId: newBootId() });
      return { id: spec.id, machine };
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
    this.layers.release(layers);
    this.factory.hurry(found.id);
    return found.started;
  }

  private find(layers: readonly string[]): Prepared | undefined {
    const wanted = layers.join(':');
    return this.prepared.find((prepared) => prepared.layers.join(':') === wanted);
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

  private async discard(prepared: Prepared): Promise<void> {
    if (!this.remove(prepared)) {
      return;
    }
    const made = await prepared.started;
    await made?.machine.kill();
    if (made) {
      this.layers.removeSandbox(made.id);
    }
    this.layers.release(prepared.layers);
  }
}
