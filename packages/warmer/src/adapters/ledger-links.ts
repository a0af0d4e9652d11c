import type { Ledger, SnapshotLink } from '@pilotlight/warming';
import type { KnownLink, LinkStore } from '../links/link-store.js';

/** Snapshot links in the engine's ledger, which every replica reads. They end when their snapshot is gone. */
export class LedgerLinks implements LinkStore {
  readonly durable: boolean;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #verifiedAtMs = new Map<string, number>();

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
    this.durable = ledger.shared;
  }

  resolve(specKey: string): Promise<SnapshotLink | undefined> {
    return this.#ledger.link(specKey);
  }

  save(link: SnapshotLink): Promise<SnapshotLink> {
    this.#verifiedAtMs.set(link.snapshotId, this.#now());
    return this.#ledger.saveLink(link);
  }

  drop(specKey: string, snapshotId: string): Promise<boolean> {
    this.#verifiedAtMs.delete(snapshotId);
    return this.#ledger.dropLink(specKey, snapshotId);
  }

  async all(): Promise<readonly KnownLink[]> {
    return (await this.#ledger.links()).map((link) => {
      const verifiedAtMs = this.#verifiedAtMs.get(link.snapshotId);
      return verifiedAtMs === undefined ? link : { ...link, verifiedAtMs };
    });
  }

  async verify(isThere: (snapshotId: string) => Promise<boolean>): Promise<readonly SnapshotLink[]> {
    const dropped: SnapshotLink[] = [];
    for (const link of await this.#ledger.links()) {
      if (await isThere(link.snapshotId)) this.#verifiedAtMs.set(link.snapshotId, this.#now());
      else if (await this.drop(link.specKey, link.snapshotId)) dropped.push(link);
    }
    return dropped;
  }
}
