import type { PackLayer, PackMeta } from '../packs/pack-format.js';
import type { SandboxAccess, WorkspaceSandbox } from '../workspace/sandbox.js';

/** A way to bring a layer that is not bundled into a sandbox. */
export interface LayerSource {
  readonly way: 'volume' | 'streamed';
  /**
   * Unpacks and marks the layer, after its digest was verified. False when this way does not have it; nothing was changed
   * then. May throw; another way is tried then.
   */
  fetch(request: {
    sandbox: WorkspaceSandbox;
    meta: PackMeta;
    layer: PackLayer;
    bundle: string;
    access: SandboxAccess;
  }): Promise<boolean>;
}

/** Weight of the newest measurement. */
const newestShare = 0.3;

/** What each way took for a byte, learned from use. */
export class WayTimes {
  readonly #msPerByte = new Map<LayerSource['way'], number>();

  record(way: LayerSource['way'], bytes: number, tookMs: number): void {
    const measured = tookMs / Math.max(1, bytes);
    const before = this.#msPerByte.get(way);
    this.#msPerByte.set(way, before === undefined ? measured : before + newestShare * (measured - before));
  }

  /** The fastest first. A way that was never measured comes before those that were, so that it will be. */
  order(sources: readonly LayerSource[]): LayerSource[] {
    return [...sources].sort((first, second) => this.#expected(first) - this.#expected(second));
  }

  #expected({ way }: LayerSource): number {
    return this.#msPerByte.get(way) ?? 0;
  }
}
