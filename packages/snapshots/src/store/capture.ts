import { lstatSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { fileSystemError, isSnapshotError, SnapshotError, throwIfCancelled } from '../errors.js';
import { displayPath, type FilePath } from '../paths.js';
import { applyRedaction, Scrubber, type ScrubReport, type ScrubRules } from '../scrub/scrubber.js';
import { rescanPaths } from './capture-changed.js';
import { CaptureSession } from './capture-session.js';
import { commit } from './commit.js';
import type { StoreCore } from './core.js';
import { readGeneration } from './layout.js';
import { type ScanContext, type ScannedDirectory, type SkippedEntry, scanDirectory } from './scan.js';
import type { RememberedScan } from './scan-memory.js';
import { measureTree, storeTrees } from './scan-tree.js';
import { settledTimeMs } from './settled-time.js';
import type { Snapshot } from './snapshot-record.js';

export interface CaptureOptions {
  /** Who may read the snapshot through an owner's view. @default '' (the host alone) */
  owner?: string;
  /** The snapshot this one follows. @default none */
  parent?: string;
  /**
   * Relative paths that changed since the last capture of this directory; only they are looked at. Without an earlier
   * capture to build on, everything is scanned. @default everything is scanned
   */
  changed?: readonly string[];
  /** What must not get into a snapshot. @default the built-in rules; false captures everything */
  scrub?: ScrubRules | false;
  /** Stored in clear with the snapshot. @default {} */
  labels?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

export interface CaptureResult {
  snapshot: Snapshot;
  /** Blobs and bytes that the store did not have. */
  written: { blobs: number; bytes: number };
  /** Files whose content was read. */
  filesRead: number;
  /** What cannot be captured: sockets, devices, and what vanished or could not be read. */
  skipped: SkippedEntry[];
  /** What was left out or blanked because it may hold a secret. */
  scrubbed: ScrubReport[];
}

const attempts = 3;

/** Freezes a directory. See `Store.capture`. */
export async function captureDirectory(
  core: StoreCore,
  directory: string,
  options: CaptureOptions,
): Promise<CaptureResult> {
  const path = await realpath(directory).catch((cause: unknown) => {
    throw new SnapshotError(
      'source_unreadable',
      `There is no directory ${directory} to capture. Check the path, and that this process may read it.`,
      { cause },
    );
  });
  for (let attempt = 1; ; attempt += 1) {
    const result = await tryCapture(core, path, options, attempt === 1);
    if (result) return result;
    if (attempt === attempts) {
      throw new SnapshotError(
        'store_busy',
        'Collections removed blobs under this capture three times in a row. Run `collect` less often.',
      );
    }
  }
}

/** Undefined when a sweep removed a blob that this capture relied on. */
async function tryCapture(
  core: StoreCore,
  path: string,
  options: CaptureOptions,
  useMemory: boolean,
): Promise<CaptureResult | undefined> {
  const scrubber = new Scrubber(options.scrub);
  const generation = readGeneration(core.layout);
  core.segments.refresh();
  const remembered = useMemory ? recall(core, path, scrubber.key, generation) : undefined;
  const session = new CaptureSession(core);
  const skipped: SkippedEntry[] = [];
  let filesRead = 0;
  const context: ScanContext = {
    settledMs: settledTimeMs(core),
    skipped,
    keep: (relative, kind) => scrubber.keep(relative, kind),
    onFile: (file, relative, entry) => {
      filesRead += 1;
      if (!scrubber.redacts(relative)) return session.addFile(file, entry);
      entry.stored = applyRedaction(scrubber, file, relative, session);
      if (!entry.stored) skipped.push({ path: displayPath(relative), reason: 'unreadable' });
    },
    breathe: createBreath(options.signal),
  };
  try {
    const root = await scan(path, options, remembered?.root, context);
    await session.settle();
    throwIfCancelled(options.signal);
    for (const { path: file } of session.unreadable) {
      skipped.push({ path: displayPath(file).slice(path.length + 1), reason: 'unreadable' });
    }
    const tree = storeTrees(root, (bytes) => session.addBlob(bytes));
    const relied = remembered === undefined ? generation : Math.min(generation, remembered.generation);
    const snapshot = await commit(core, await session.seal(), relied, {
      tree,
      mode: root.mode,
      parent: options.parent,
      owner: options.owner ?? '',
      createdAtMs: core.clock.nowMs(),
      ...measureTree(root),
      labels: options.labels ?? {},
    });
    if (!snapshot) return undefined;
    core.scans.remember(path, {
      root,
      generation: readGeneration(core.layout),
      segments: core.segments.names(),
      rules: scrubber.key,
    });
    return { snapshot, written: session.written, filesRead, skipped, scrubbed: scrubber.report() };
  } catch (error) {
    await session.discard();
    throw isSnapshotError(error) ? error : fileSystemError(error, `capturing ${path}`);
  }
}

/** An earlier scan, unless a segment that it counts on was lost: then everything is read again. */
function recall(core: StoreCore, path: string, rules: string, generation: number): RememberedScan | undefined {
  const remembered = core.scans.recall(path, rules);
  if (!remembered || remembered.generation !== generation) return remembered;
  const present = new Set(core.segments.names());
  return remembered.segments.every((name) => present.has(name)) ? remembered : undefined;
}

function scan(
  path: string,
  options: CaptureOptions,
  previous: ScannedDirectory | undefined,
  context: ScanContext,
): Promise<ScannedDirectory> {
  if (options.changed && previous) return rescanPaths(path, previous, options.changed, context);
  const stats = lstatSync(path);
  if (!stats.isDirectory()) {
    throw new SnapshotError('source_unreadable', `${path} is not a directory. Capture the directory that holds it.`);
  }
  return scanDirectory(path as FilePath, '', '', stats.mode & 0o7777, previous, context);
}

const sliceMs = 8;

/** Hands the event loop over after a few milliseconds of work, and looks at the signal then. */
export function createBreath(signal: AbortSignal | undefined): () => Promise<void> | undefined {
  let startedAtMs = performance.now();
  return () => {
    throwIfCancelled(signal);
    if (performance.now() - startedAtMs < sliceMs) return undefined;
    return new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        startedAtMs = performance.now();
        try {
          throwIfCancelled(signal);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  };
}
