import type { Clock } from '../clock.js';
import type { FileExecutor } from '../file-executor.js';
import type { CommitLock } from './commit-lock.js';
import type { StoreLayout } from './layout.js';
import type { ScanMemory } from './scan-memory.js';
import type { SegmentSet } from './segments.js';

/** What the operations of a store share. Owned by the store that made it. */
export interface StoreCore {
  layout: StoreLayout;
  clock: Clock;
  /** A name that was never given before. */
  randomName(): string;
  segments: SegmentSet;
  lock: CommitLock;
  executor: FileExecutor;
  scans: ScanMemory;
  chunkBytes: number;
  flushToDisk: boolean;
  /** Names in `temporary` start with this; it says which process they belong to. */
  temporaryPrefix: string;
}
