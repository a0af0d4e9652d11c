import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFactory } from '../isolation/machine.js';

/** Deeper stacks mount more slowly and their names no longer fit into one mount call. */
const depthLimit = 48;

/**
 * Sealed layers of one host, by name. A layer never changes after it was made; it is shared by every sandbox, snapshot
 * and template that stands on it and is removed with the last of them.
 */
export class LayerStore {
  private readonly references = new Map<string, number>();
  private readonly instanceDirectory: string;
  private readonly factory: MachineFactory;

  constructor(instanceDirectory: string, factory: MachineFactory) {
    this.instanceDirectory = instanceDirectory;
    this.factory = factory;
    this.references.set('base', 1);
  }

  /** Every retain is paired with a release of the same layers. */
  retain(layers: readonly string[]): void {
    for (const layer of layers) {
      this.references.set(layer, (this.references.get(layer) ?? 0) + 1);
    }
  }

  release(layers: readonly string[]): void {
    for (const layer of layers) {
      const left = (this.references.get(layer) ?? 0) - 1;
      if (left > 0) {
        this.references.set(layer, left);
      } else if (this.references.delete(layer)) {
        this.discard(join('layers', layer));
      }
    }
  }

  /** The files of a sandbox whose processes are gone become a layer: a rename, whatever their number. */
  seal(sandboxId: string, generation: number): string {
    const name = newLayerName();
    renameSync(this.path(generationPath(sandboxId, generation)), this.path('layers', name));
    return name;
  }

  /** Gives a sandbox back what was just sealed, as long as nobody retained it. */
  unseal(sandboxId: string, generation: number, name: string): void {
    renameSync(this.path('layers', name), this.path(generationPath(sandboxId, generation)));
  }

  /** A copy of the files a frozen sandbox has changed; the caller sees to it that nothing changes meanwhile. */
  async copy(sandboxId: string, generation: number): Promise<string> {
    const name = newLayerName();
    mkdirSync(this.path('layers', name), { mode: 0o755 });
    const home = generationPath(sandboxId, generation);
    const parts = ['root', 'local'].map((part) => this.path(home, part));
    const target = `${this.path('layers', name)}/`;
    await this.factory.task(['cp', '-a', '--reflink=auto', '--', ...parts, target]);
    return name;
  }

  /**
   * A stack that shows the same files and is not too deep to be stood on. Merging links files and copies none.
   * The stack given stays as it is.
   */
  async flatten(layers: readonly string[]): Promise<readonly string[]> {
    if (layers.length <= depthLimit) {
      return layers;
    }
    const name = newLayerName();
    mkdirSync(this.path('layers', name), { mode: 0o755 });
    const [base = '', ...upper] = [...layers.slice(-1), ...layers.slice(0, -1)].map((layer) =>
      this.path('layers', layer),
    );
    await this.factory.merge(this.path('layers', name), base, upper);
    return [name, ...layers.slice(-1)];
  }

  /** Removes what a sandbox had for itself. The space is given back in the background. */
  removeSandbox(sandboxId: string): void {
    this.discard(join('sandboxes', sandboxId));
  }

  private discard(relative: string): void {
    const trash = join('trash', randomBytes(6).toString('hex'));
    try {
      renameSync(this.path(relative), this.path(trash));
    } catch {
      return;
    }
    // Failing here leaves files in the trash, which goes with the host's directory.
    this.factory.task(['rm', '-rf', '--', this.path(trash)]).catch(() => {});
  }

  private path(...parts: string[]): string {
    return join(this.instanceDirectory, ...parts);
  }
}

function newLayerName(): string {
  return randomBytes(5).toString('hex');
}

function generationPath(sandboxId: string, generation: number): string {
  return join('sandboxes', sandboxId, `g${generation}`);
}

/** The directories of an instance, made before the first sandbox. */
export function makeInstanceLayout(instanceDirectory: string, ranged: boolean, ownerId: number): void {
  for (const name of ['layers', 'sandboxes', 'mnt', 'view', 'trash']) {
    mkdirSync(join(instanceDirectory, name), { mode: 0o755 });
    if (ranged && name !== 'trash' && name !== 'view') {
      chownSync(join(instanceDirectory, name), ownerId, ownerId);
    }
  }
}
