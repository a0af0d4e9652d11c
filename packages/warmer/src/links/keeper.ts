import type { SnapshotDirectory } from '../http/context.js';
import type { LinkStore, SnapshotHouse } from './link-store.js';

/** Keeps snapshot links true: what the provider has not is dropped, what is used lives on, what is over goes with its snapshot. */
export class LinkKeeper implements SnapshotDirectory {
  readonly #store: LinkStore;
  readonly #house: SnapshotHouse;
  readonly #poolsBySpec: () => ReadonlyMap<string, string>;

  constructor(parts: { store: LinkStore; house: SnapshotHouse; poolsBySpec: () => ReadonlyMap<string, string> }) {
    this.#store = parts.store;
    this.#house = parts.house;
    this.#poolsBySpec = parts.poolsBySpec;
  }

  /** @returns how many links were looked at, and how many of them were dropped */
  async verify(): Promise<{ checked: number; dropped: number }> {
    const over = (await this.#store.expire?.()) ?? [];
    await Promise.all(over.map((link) => this.#house.delete(link.snapshotId)));
    const links = await this.#store.all();
    if (links.length === 0) return { checked: 0, dropped: 0 };
    const ids = await this.#house.ids();
    const dropped = await this.#store.verify(async (snapshotId) => ids.has(snapshotId));
    const used = this.#poolsBySpec();
    for (const { specKey, snapshotId } of links) {
      if (used.has(specKey) && ids.has(snapshotId)) await this.#store.renew?.(specKey, snapshotId);
    }
    return { checked: links.length, dropped: dropped.length };
  }

  async list(): ReturnType<SnapshotDirectory['list']> {
    const pools = this.#poolsBySpec();
    return (await this.#store.all()).map(({ specKey, snapshotId, createdAtMs, verifiedAtMs, expiresAtMs }) => {
      const pool = pools.get(specKey);
      return {
        packKey: specKey,
        snapshotId,
        createdAtMs,
        ...(pool === undefined ? {} : { pool }),
        ...(verifiedAtMs === undefined ? {} : { verifiedAtMs }),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      };
    });
  }

  async drop(packKey: string): Promise<boolean> {
    const link = (await this.#store.all()).find(({ specKey }) => specKey === packKey);
    if (!link || !(await this.#store.drop(packKey, link.snapshotId))) return false;
    await this.#house.delete(link.snapshotId);
    return true;
  }
}
