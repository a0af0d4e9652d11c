import type { LayerStore } from '../storage/layers.js';

/** Layers of build steps by digest, for as long as the host runs. Builds of the same step at once make it once. */
export class LayerCache {
  private readonly layers = new Map<string, Promise<string>>();
  private readonly store: LayerStore;

  constructor(store: LayerStore) {
    this.store = store;
  }

  async get(
    digest: string,
    isForced: boolean,
    make: () => Promise<string>,
  ): Promise<{ layer: string; isNew: boolean }> {
    const known = isForced ? undefined : this.layers.get(digest);
    if (known) {
      return { layer: await known, isNew: false };
    }
    const made = make();
    this.layers.set(digest, made);
    try {
      const layer = await made;
      this.store.retain([layer]);
      return { layer, isNew: true };
    } catch (error) {
      if (this.layers.get(digest) === made) {
        this.layers.delete(digest);
      }
      throw error;
    }
  }
}
