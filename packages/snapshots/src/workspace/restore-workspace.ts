import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { type EntryToWrite, writeArchive } from '../archive/write-archive.js';
import type { Digest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { displayPath, type EntryName, splitSafePath } from '../paths.js';
import { diffTrees, type TreeChanges } from '../store/diff-trees.js';
import type { Snapshot } from '../store/snapshot-record.js';
import { decodeChunks, type TreeEntry } from '../store/tree.js';
import { expectScript, quote, type SandboxAccess, type WorkspaceSandbox, writeStream } from './sandbox.js';
import { parseState, rememberScript, stateScript, stateVariable, type WorkspaceState } from './state.js';

/** What restoring into a sandbox needs of a store. */
export interface RestorableStore {
  snapshot(id: Digest): Snapshot;
  readBlob(digest: Digest): Buffer;
  readTree(digest: Digest): TreeEntry[];
}

export interface RestoreWorkspaceOptions extends SandboxAccess {
  /** Remove what lies there when it is not a snapshot that was restored and left as it was. @default false */
  replace?: boolean;
}

export interface RestoredWorkspace {
  /** `held`: it was there already, one round trip; `delta`: only changes were sent; `full`: everything was. */
  how: 'held' | 'delta' | 'full';
  /** Bytes of file content that were sent. */
  bytesSent: number;
  filesSent: number;
}

const removedAtMost = 500;

/**
 * Makes a directory of a sandbox hold a snapshot. Everything that is missing travels in one tar; a state file beside the
 * workspace makes a second restore a single round trip.
 *
 * @throws {@link SnapshotError} `snapshot_unknown`, `target_not_empty`, `blob_missing`, `sandbox_failed`, `path_unsafe`
 */
export async function restoreWorkspace(
  store: RestorableStore,
  sandbox: WorkspaceSandbox,
  snapshotId: Digest,
  path: string,
  options: RestoreWorkspaceOptions = {},
): Promise<RestoredWorkspace> {
  const snapshot = store.snapshot(snapshotId);
  const state = parseState(await expectScript(sandbox, stateScript(path), options, `Looking at ${path}`));
  if (state.kind === 'held' && state.id === snapshotId) return { how: 'held', bytesSent: 0, filesSent: 0 };
  const base = baseOf(store, state);
  const changes = diffTrees((digest) => store.readTree(digest), base?.tree, snapshot.tree);
  const delta = base !== undefined && changes.removed.length <= removedAtMost;
  const clear = delta ? undefined : clearing(state, path, options.replace ?? false);
  const whole = delta ? changes : diffTrees((digest) => store.readTree(digest), undefined, snapshot.tree);
  // From the root, tar itself makes the directories on the way: a sandbox without `mkdir` will do.
  const prefix = path.startsWith('/') ? splitSafePath(path.slice(1)) : [];
  const { files, bytes } = measure(whole);
  const work = `/tmp/.pilotlight-${randomBytes(8).toString('hex')}.tar`;
  const archive = writeArchive(entriesOf(store, whole, prefix, snapshot.mode));
  await writeStream(sandbox, work, archive, options);
  const script = [
    stateVariable(path),
    `if [ -d ${quote(path)} ] || mkdir -p -- ${quote(path)} 2>/dev/null; then cd -- ${quote(path)} || exit 1; fi`,
    `if [ -f "$state" ]; then : > "$state"; fi`,
    ...(clear ? [clear] : delta ? changes.removed.map(removal) : []),
    ...(prefix.length > 0 ? ['cd /'] : []),
    `tar -xpmof ${quote(work)}; code=$?`,
    `rm -f ${quote(work)} 2>/dev/null || : > ${quote(work)}`,
    `[ "$code" = 0 ] || exit "$code"`,
    `{ ${rememberScript(snapshotId)}; } 2>/dev/null`,
    `exit 0`,
  ].join('\n');
  await expectScript(sandbox, script, options, `Unpacking into ${path}`);
  return { how: delta ? 'delta' : 'full', bytesSent: bytes, filesSent: files };
}

/** The snapshot that lies there unchanged, if this store still knows it. */
function baseOf(store: RestorableStore, state: WorkspaceState): Snapshot | undefined {
  if (state.kind !== 'held') return undefined;
  try {
    return store.snapshot(state.id);
  } catch {
    return undefined;
  }
}

function clearing(state: WorkspaceState, path: string, replace: boolean): string | undefined {
  if (state.kind === 'empty') return undefined;
  if (state.kind === 'held' || replace) return 'for name in .[!.]* ..?* *; do rm -rf -- "./$name" || exit 1; done';
  const what = state.kind === 'changed' ? 'was changed since its last restore' : 'holds something';
  throw new SnapshotError(
    'target_not_empty',
    `${path} in the sandbox ${what}. Capture it first, restore to another path, or pass "replace: true".`,
  );
}

function removal(names: readonly EntryName[]): string {
  return `rm -rf -- ${quote(`./${textOf(names)}`)} || exit 1`;
}

function measure(changes: TreeChanges): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const { entry } of changes.written) {
    if (entry.kind !== 'file' && entry.kind !== 'chunked') continue;
    files += 1;
    bytes += entry.size;
  }
  return { files, bytes };
}

function* entriesOf(
  store: RestorableStore,
  changes: TreeChanges,
  prefix: readonly string[],
  mode: number,
): Generator<EntryToWrite> {
  if (prefix.length > 0) yield { kind: 'directory', path: textOf(prefix), mode: mode & 0o1777 };
  for (const { names, entry } of changes.written) {
    const path = textOf([...prefix, ...names]);
    switch (entry.kind) {
      case 'directory':
        yield { kind: 'directory', path, mode: entry.mode & 0o1777 };
        break;
      case 'link':
        yield { kind: 'link', path, target: textOf([entry.target]) };
        break;
      case 'file':
        yield {
          kind: 'file',
          path,
          mode: entry.mode & 0o777,
          size: entry.size,
          content: () => store.readBlob(entry.digest),
        };
        break;
      case 'chunked':
        yield { kind: 'file', path, mode: entry.mode & 0o777, size: entry.size, content: () => chunksOf(store, entry) };
        break;
    }
  }
}

function chunksOf(store: RestorableStore, entry: Extract<TreeEntry, { kind: 'chunked' }>): Readable {
  const { chunks } = decodeChunks(store.readBlob(entry.digest), entry.size);
  return Readable.from(
    (function* () {
      for (const chunk of chunks) yield store.readBlob(chunk.digest);
    })(),
    { objectMode: false },
  );
}

/** Tar as other systems read it holds text; a name that is no UTF-8 can be restored on this machine only. */
function textOf(names: readonly EntryName[]): string {
  for (const name of names) {
    if (typeof name === 'string') continue;
    throw new SnapshotError(
      'path_unsafe',
      `${JSON.stringify(displayPath(name))} is not valid UTF-8 and cannot be sent to a sandbox. Rename it and capture again, or restore on this machine.`,
    );
  }
  return names.join('/');
}
