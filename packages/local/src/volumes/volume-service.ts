import { readAsset } from '../assets.js';
import type { Machine, MachineFactory, MachineVolume } from '../isolation/machine.js';
import { ApiError } from '../sandbox/api-error.js';
import type { SandboxSettings } from '../sandbox/settings.js';
import { VolumeFiles } from './volume-machine.js';
import type { Volume, VolumeStore } from './volume-store.js';

interface OpenVolume {
  machine: Promise<Machine>;
  inUse: number;
  timer: NodeJS.Timeout | undefined;
}

/** How long the machine of a volume's content waits for the next request. */
const idleMs = 10_000;
const shownAt = '/volume';

/** Volumes and their content. */
export class VolumeService {
  readonly store: VolumeStore;
  private readonly factory: MachineFactory;
  private readonly open = new Map<string, OpenVolume>();
  private readonly program = readAsset('volumes/volume.pl');

  constructor(store: VolumeStore, factory: MachineFactory) {
    this.store = store;
    this.factory = factory;
  }

  /** What a sandbox of these settings shows of volumes. */
  mountsOf({ volumeMounts }: SandboxSettings): MachineVolume[] {
    if (volumeMounts.length > 0 && this.factory.level === 'process') {
      throw new ApiError(400, 'Volumes need isolation level "namespaces"; this host runs at "process".');
    }
    return this.store.mountsOf(volumeMounts);
  }

  async use<Result>(volume: Volume, work: (files: VolumeFiles) => Promise<Result>): Promise<Result> {
    const opened = this.opened(volume);
    clearTimeout(opened.timer);
    opened.inUse += 1;
    try {
      const root = this.factory.level === 'process' ? this.store.pathOf(volume) : shownAt;
      return await work(new VolumeFiles(await opened.machine, this.program, root));
    } finally {
      opened.inUse -= 1;
      if (opened.inUse === 0) {
        opened.timer = setTimeout(() => void this.shut(volume.id), idleMs);
        opened.timer.unref();
      }
    }
  }

  async destroy(id: string): Promise<void> {
    this.store.get(id);
    await this.shut(id);
    await this.store.destroy(id);
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.keys()].map((id) => this.shut(id)));
  }

  private opened(volume: Volume): OpenVolume {
    const known = this.open.get(volume.id);
    if (known) {
      return known;
    }
    const id = `volume${volume.id}${Date.now().toString(36)}`;
    const volumes = this.factory.level === 'process' ? [] : [{ source: volume.source, target: shownAt }];
    const machine = this.factory.create({ id, hostname: 'volume', layers: ['base'], bootId: id, volumes });
    const opened = { machine, inUse: 0, timer: undefined };
    this.open.set(volume.id, opened);
    const forget = () => {
      if (this.open.get(volume.id) === opened) {
        this.open.delete(volume.id);
      }
    };
    machine.then((started) => started.ended.then(forget), forget);
    return opened;
  }

  private async shut(id: string): Promise<void> {
    const opened = this.open.get(id);
    this.open.delete(id);
    clearTimeout(opened?.timer);
    const machine = await opened?.machine.catch(() => undefined);
    await machine?.kill();
  }
}
