import type { SnapshotLink, SnapshotLinkStore } from '@pilotlight/warming';

/** A link with what is known of its life. */
export interface KnownLink extends SnapshotLink {
  readonly verifiedAtMs?: number;
  readonly expiresAtMs?: number;
}

/** Where snapshot links are kept, and how they are kept true. The engine resolves and saves; the service looks after them. */
export interface LinkStore extends SnapshotLinkStore {
  all(): Promise<readonly KnownLink[]>;
  /** Drops the links whose snapshot is not there any more. @returns the dropped ones */
  verify(isThere: (snapshotId: string) => Promise<boolean>): Promise<readonly SnapshotLink[]>;
  /** Gives a link a whole life from now. Absent where links do not end by time. */
  renew?(specKey: string, snapshotId: string): Promise<boolean>;
  /** Drops links whose time is over. @returns those whose snapshots the caller deletes */
  expire?(): Promise<readonly SnapshotLink[]>;
}

/** The snapshots that the provider has. */
export interface SnapshotHouse {
  /** Ids and names of all of them. */
  ids(): Promise<ReadonlySet<string>>;
  /** Idempotent. */
  delete(snapshotId: string): Promise<void>;
}
