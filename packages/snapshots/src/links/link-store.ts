import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock } from '../clock.js';
import { digestOf } from '../digest.js';
import { fileSystemError } from '../errors.js';
import { CommitLock } from '../store/commit-lock.js';
import { ownProcessMark } from '../store/process-mark.js';

/** A spec or pack key, and the provider's snapshot that a sandbox of it starts from. */
export interface SnapshotLink {
  readonly specKey: string;
  readonly snapshotId: string;
  readonly createdAtMs: number;
  /** The link that its sandbox was started from. */
  readonly parent?: { specKey: string; snapshotId: string };
}

/** A link as it is kept. */
export interface KeptLink extends SnapshotLink {
  /** When the provider last said that it has the snapshot; at first, when it was made. */
  readonly verifiedAtMs: number;
  readonly expiresAtMs: number;
}

export interface SnapshotLinksOptions {
  /** Where the links lie; several processes may use it at once. */
  directory: string;
  /** Life of a link that is not renewed. @default 2_592_000_000 (30 days) */
  ttlMs?: number;
  /** @default the clock of this machine */
  clock?: Clock;
}

const linkSchema = z.object({
  specKey: z.string(),
  snapshotId: z.string(),
  createdAtMs: z.number(),
  parent: z.object({ specKey: z.string(), snapshotId: z.string() }).optional(),
  verifiedAtMs: z.number(),
  expiresAtMs: z.number(),
});

const thirtyDaysMs = 30 * 24 * 3_600_000;

/**
 * Snapshot links in a directory. Fits the port that `@pilotlight/warming` has for them: `resolve`, `save`, `drop`, `all`.
 * Every change is one step under a lock, so of many processes exactly one wins.
 */
export class SnapshotLinks {
  /** Links outlive this process. */
  readonly durable = true;
  readonly #directory: string;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  readonly #lock: CommitLock;

  constructor(options: SnapshotLinksOptions) {
    this.#directory = join(options.directory, 'links-v1');
    this.#ttlMs = options.ttlMs ?? thirtyDaysMs;
    this.#clock = options.clock ?? systemClock;
    try {
      mkdirSync(join(this.#directory, 'links'), { recursive: true, mode: 0o700 });
      this.#lock = new CommitLock({
        directory: join(this.#directory, 'lock'),
        markPath: join(this.#directory, `${randomBytes(8).toString('hex')}.mark`),
        mark: ownProcessMark(),
        clock: this.#clock,
        staleMs: 30_000,
        timeoutMs: 60_000,
      });
    } catch (error) {
      throw fileSystemError(error, 'opening snapshot links');
    }
  }

  /** The link of a key; undefined when there is none or its time is over. */
  async resolve(specKey: string): Promise<KeptLink | undefined> {
    const link = this.#read(specKey);
    return link && link.expiresAtMs > this.#clock.nowMs() ? link : undefined;
  }

  /** Keeps the first link of a key. @returns the link that is kept */
  save(link: SnapshotLink): Promise<KeptLink> {
    return this.#lock.hold(() => {
      const nowMs = this.#clock.nowMs();
      const before = this.#read(link.specKey);
      if (before && before.expiresAtMs > nowMs) return before;
      const { specKey, snapshotId, createdAtMs, parent } = link;
      const kept = {
        specKey,
        snapshotId,
        createdAtMs,
        ...(parent && { parent }),
        verifiedAtMs: nowMs,
        expiresAtMs: nowMs + this.#ttlMs,
      };
      this.#write(kept);
      return kept;
    });
  }

  /** True for exactly one caller for each link: that one deletes the provider's snapshot. */
  drop(specKey: string, snapshotId: string): Promise<boolean> {
    return this.#lock.hold(() => {
      if (this.#read(specKey)?.snapshotId !== snapshotId) return false;
      rmSync(this.#path(specKey), { force: true });
      return true;
    });
  }

  /** All links whose time is not over. */
  async all(): Promise<readonly KeptLink[]> {
    const nowMs = this.#clock.nowMs();
    return this.#list().filter((link) => link.expiresAtMs > nowMs);
  }

  /**
   * Asks the provider about links that were not verified for `olderThanMs`, and drops those it no longer has. A link that
   * it could not be asked about stays.
   *
   * @returns the dropped links
   */
  async verify(
    isThere: (snapshotId: string) => Promise<boolean>,
    options: { olderThanMs?: number } = {},
  ): Promise<KeptLink[]> {
    const dropped: KeptLink[] = [];
    for (const link of await this.all()) {
      if (this.#clock.nowMs() - link.verifiedAtMs < (options.olderThanMs ?? 0)) continue;
      const there = await isThere(link.snapshotId).catch(() => undefined);
      if (there === undefined) continue;
      if (there) await this.#change(link, (kept) => ({ ...kept, verifiedAtMs: this.#clock.nowMs() }));
      else if (await this.drop(link.specKey, link.snapshotId)) dropped.push(link);
    }
    return dropped;
  }

  /** Gives a link a whole life from now. False when it is no longer the one that is kept. */
  async renew(specKey: string, snapshotId: string): Promise<boolean> {
    const link = this.#read(specKey);
    if (link?.snapshotId !== snapshotId) return false;
    return this.#change(link, (kept) => ({ ...kept, expiresAtMs: this.#clock.nowMs() + this.#ttlMs }));
  }

  /** Drops links whose time is over. @returns those that this caller dropped, whose snapshots it deletes */
  async expire(): Promise<KeptLink[]> {
    const nowMs = this.#clock.nowMs();
    const over: KeptLink[] = [];
    for (const link of this.#list()) {
      if (link.expiresAtMs > nowMs) continue;
      if (await this.drop(link.specKey, link.snapshotId)) over.push(link);
    }
    return over;
  }

  /** The link and those that it came from, nearest first. Ends where an ancestor was dropped or replaced. */
  async ancestry(specKey: string): Promise<KeptLink[]> {
    const line: KeptLink[] = [];
    const seen = new Set<string>();
    for (let link = this.#read(specKey); link && !seen.has(link.specKey); ) {
      line.push(link);
      seen.add(link.specKey);
      const parent: SnapshotLink['parent'] = link.parent;
      const next: KeptLink | undefined = parent && this.#read(parent.specKey);
      link = next?.snapshotId === parent?.snapshotId ? next : undefined;
    }
    return line;
  }

  /** Gives the lock back. Links stay. */
  close(): void {
    this.#lock.close();
  }

  #change(link: KeptLink, change: (kept: KeptLink) => KeptLink): Promise<boolean> {
    return this.#lock.hold(() => {
      const kept = this.#read(link.specKey);
      if (kept?.snapshotId !== link.snapshotId) return false;
      this.#write(change(kept));
      return true;
    });
  }

  #list(): KeptLink[] {
    const files = readdirSync(join(this.#directory, 'links')).filter((name) => name.endsWith('.json'));
    return files.map((name) => readLink(join(this.#directory, 'links', name))).filter((link) => link !== undefined);
  }

  #read(specKey: string): KeptLink | undefined {
    return readLink(this.#path(specKey));
  }

  #write(link: KeptLink): void {
    const path = this.#path(link.specKey);
    const temporary = `${path}.${process.pid}.partial`;
    try {
      writeFileSync(temporary, JSON.stringify(link));
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw fileSystemError(error, 'writing a snapshot link');
    }
  }

  #path(specKey: string): string {
    return join(this.#directory, 'links', `${digestOf(specKey)}.json`);
  }
}

/** A file that cannot be read as a link counts as none: the next capture makes it anew. */
function readLink(path: string): KeptLink | undefined {
  try {
    const parsed = linkSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) return undefined;
    const { parent, ...link } = parsed.data;
    return { ...link, ...(parent && { parent }) };
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileSystemError(error, 'reading a snapshot link');
  }
}
