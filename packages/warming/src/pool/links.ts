import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger/ledger.js';
import type { SnapshotLink } from '../ledger/record.js';
import type { ProviderSandbox, ProviderSnapshotInfo, SandboxProvider } from '../provider.js';

/** Where snapshot links are kept. The default is the ledger; a composition root may plug in one that many fleets share. */
export interface SnapshotLinkStore {
  /** Whether links outlive this process, so that their snapshots are worth keeping. */
  readonly durable: boolean;
  resolve(specKey: string): Promise<SnapshotLink | undefined>;
  /** Keeps the first link of a spec. @returns the link that is kept */
  save(link: SnapshotLink): Promise<SnapshotLink>;
  /** True for exactly one caller per link: that one deletes the snapshot. */
  drop(specKey: string, snapshotId: string): Promise<boolean>;
  /** All links of this store. */
  all(): Promise<readonly SnapshotLink[]>;
}

export function ledgerLinks(ledger: Ledger): SnapshotLinkStore {
  return {
    durable: ledger.shared,
    resolve: (specKey) => ledger.link(specKey),
    save: (link) => ledger.saveLink(link),
    drop: (specKey, snapshotId) => ledger.dropLink(specKey, snapshotId),
    all: () => ledger.links(),
  };
}

export interface LinksDetails {
  readonly store: SnapshotLinkStore;
  readonly provider: SandboxProvider;
  readonly fleet: string;
  nowMs(): number;
  newId(): string;
  /** After a capture that failed. */
  readonly retryAfterMs: number;
}

/** Snapshot links of warmed sandboxes: captured once per spec, dropped when they fail. */
export class Links {
  readonly #details: LinksDetails;
  readonly #store: SnapshotLinkStore;
  readonly #provider: SandboxProvider;
  /** What the names of this fleet's snapshots begin with. */
  readonly #prefix: string;
  readonly #capturing = new Set<string>();
  /** Specs that had a link when somebody last looked. */
  readonly #known = new Set<string>();
  /** After a capture that failed, when to try again. */
  readonly #notBeforeMs = new Map<string, number>();
  /** Snapshots without a link, and when they were seen first. */
  #unlinked = new Map<string, number>();

  constructor(details: LinksDetails) {
    this.#details = details;
    this.#store = details.store;
    this.#provider = details.provider;
    this.#prefix = `pilotlight-${createHash('sha256').update(details.fleet).digest('hex').slice(0, 12)}-`;
  }

  get durable(): boolean {
    return this.#store.durable;
  }

  async resolve(specKey: string): Promise<SnapshotLink | undefined> {
    const link = await this.#store.resolve(specKey);
    if (link) this.#known.add(specKey);
    else this.#known.delete(specKey);
    return link;
  }

  /** Whether a link is worth waiting for: there is none yet, and the next warmed sandbox can give one. */
  async missing(specKey: string): Promise<boolean> {
    if (this.#known.has(specKey)) return false;
    if (this.#provider.createSnapshot === undefined || (this.#notBeforeMs.get(specKey) ?? 0) > this.#details.nowMs())
      return false;
    return (await this.resolve(specKey)) === undefined;
  }

  /** Whether a warmed sandbox of this spec should be captured now. */
  wanted(specKey: string): boolean {
    return (
      this.#provider.createSnapshot !== undefined &&
      !this.#capturing.has(specKey) &&
      (this.#notBeforeMs.get(specKey) ?? 0) <= this.#details.nowMs()
    );
  }

  /**
   * Captures a sandbox that nobody has claimed yet: what is in a link is in every sandbox made from it.
   *
   * @throws `ProviderError`; the next one is tried after a while
   */
  async capture(specKey: string, sandbox: ProviderSandbox): Promise<void> {
    if (!this.#provider.createSnapshot || !this.wanted(specKey)) return;
    this.#capturing.add(specKey);
    try {
      if (await this.#store.resolve(specKey)) return;
      const name = `${this.#prefix}${this.#details.newId().toLowerCase()}`;
      const { snapshotId } = await this.#provider.createSnapshot(sandbox.sandboxId, { name });
      const kept = await this.#store.save({ specKey, snapshotId, createdAtMs: this.#details.nowMs() });
      this.#known.add(specKey);
      if (kept.snapshotId !== snapshotId) await this.#provider.deleteSnapshot?.(snapshotId);
    } catch (error) {
      this.#notBeforeMs.set(specKey, this.#details.nowMs() + this.#details.retryAfterMs);
      throw error;
    } finally {
      this.#capturing.delete(specKey);
    }
  }

  async drop(link: SnapshotLink): Promise<void> {
    this.#known.delete(link.specKey);
    if (await this.#store.drop(link.specKey, link.snapshotId)) await this.#provider.deleteSnapshot?.(link.snapshotId);
  }

  /**
   * Deletes snapshots of this fleet that have had no link for so long: a process may die between a capture and its record.
   *
   * @throws `ProviderError`
   */
  async sweep(graceMs: number): Promise<void> {
    const listed = await this.#ownSnapshots();
    // Looked up after the list: a link that was saved meanwhile is seen.
    const linked = new Set((await this.#store.all()).map((link) => plainName(link.snapshotId)));
    const nowMs = this.#details.nowMs();
    const unlinked = new Map<string, number>();
    for (const { snapshotId, names } of listed) {
      if ([snapshotId, ...names].some((name) => linked.has(plainName(name)))) continue;
      const sinceMs = this.#unlinked.get(snapshotId) ?? nowMs;
      if (nowMs - sinceMs >= graceMs) await this.#provider.deleteSnapshot?.(snapshotId);
      else unlinked.set(snapshotId, sinceMs);
    }
    this.#unlinked = unlinked;
  }

  async dropAll(): Promise<void> {
    await Promise.all((await this.#store.all()).map((link) => this.drop(link)));
  }

  async #ownSnapshots(): Promise<ProviderSnapshotInfo[]> {
    if (!this.#provider.deleteSnapshot) return [];
    const listed: ProviderSnapshotInfo[] = [];
    for await (const info of this.#provider.listSnapshots?.() ?? []) {
      if (info.names.some((name) => plainName(name).startsWith(this.#prefix))) listed.push(info);
    }
    return listed;
  }
}

/** Providers put a project before a name and a tag behind it. */
function plainName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).replace(/:.*$/, '');
}
