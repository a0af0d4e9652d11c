import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFactory } from '../isolation/machine.js';

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
  seal(sandboxId: string): string {
    const name = this.reserve();
    renameSync(this.path('sandboxes', sandboxId, 'root'), this.path('layers', name, 'root'));
    renameSync(this.path('sandboxes', sandboxId, 'local'), this.path('layers', name, 'local'));
    return name;
  }

  /** A copy of the files a frozen sandbox has changed; the caller sees to it that nothing changes meanwhile. */
  async copy(sandboxId: string): Promise<string> {
    const name = this.reserve();
    const parts = ['root', 'local'].map((part) => this.path('sandboxes', sandboxId, part));
    const target = `${this.path('layers', name)}/`;
    await this.factory.task(['cp', '-a', '--reflink=auto', '--', ...parts, target]);
    return name;
  }

  /** Removes what a sandbox had for itself. The space is given back in the background. */
  removeSandbox(sandboxId: string): void {
    this.discard(join('sandboxes', sandboxId));
  }

  private reserve(): string {
    const name = randomBytes(5).toString('hex');
    mkdirSync(this.path('layers', name), { mode: 0o755 });
    return name;
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

/** The directories of an instance, made before the first sandbox. */
export function makeInstanceLayout(instanceDirectory: string, ranged: boolean, ownerId: number): void {
  for (const name of ['layers', 'sandboxes', 'mnt', 'trash']) {
    mkdirSync(join(instanceDirectory, name), { mode: 0o755 });
    if (ranged && name !== 'trash') {
      chownSync(join(instanceDirectory, name), ownerId, ownerId);
    }
  }
}
