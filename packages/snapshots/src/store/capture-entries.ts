import { createDigest, type Digest } from '../digest.js';
import { fileSystemError, isSnapshotError, SnapshotError } from '../errors.js';
import { readAlias, writeAlias } from './aliases.js';
import { CaptureSession } from './capture-session.js';
import { commit } from './commit.js';
import type { StoreCore } from './core.js';
import { readGeneration } from './layout.js';
import type { Snapshot } from './snapshot-record.js';
import { encodeChunks } from './tree.js';
import { TreeBuilder } from './tree-builder.js';

/** A file's content as a tree names it. */
export interface StoredContent {
  kind: 'file' | 'chunked';
  digest: Digest;
  size: number;
}

/** What {@link captureEntries} is filled through. */
export interface EntryWriter {
  readonly tree: TreeBuilder;
  /** Blobs and bytes that the store did not have. */
  readonly written: { blobs: number; bytes: number };
  /** Stores a content that comes in pieces. */
  addContent(content: AsyncIterable<Uint8Array>): Promise<StoredContent>;
  /** A content of this digest and size, if it is there and `allowed` says that the caller may use its blob. */
  known(digest: Digest, size: number, allowed: (blob: Digest) => boolean): StoredContent | undefined;
}

export interface EntriesSnapshot {
  owner: string;
  parent: string | undefined;
  labels: Readonly<Record<string, string>>;
}

/** Makes a snapshot from entries that come from elsewhere than this machine's file system. */
export async function captureEntries(
  core: StoreCore,
  details: EntriesSnapshot,
  fill: (writer: EntryWriter) => Promise<void>,
): Promise<{ snapshot: Snapshot; written: { blobs: number; bytes: number } }> {
  core.segments.refresh();
  const generation = readGeneration(core.layout);
  const session = new CaptureSession(core);
  const tree = new TreeBuilder();
  try {
    await fill({
      tree,
      written: session.written,
      addContent: (content) => addContent(core, session, content),
      known: (digest, size, allowed) => findKnown(core, digest, size, allowed),
    });
    const root = tree.store((bytes) => session.addBlob(bytes));
    const snapshot = await commit(core, await session.seal(), generation, {
      ...details,
      tree: root,
      mode: tree.mode,
      createdAtMs: core.clock.nowMs(),
      files: tree.files,
      bytes: tree.bytes,
    });
    if (snapshot) return { snapshot, written: session.written };
    throw new SnapshotError('store_busy', 'A collection removed blobs under this capture. Capture again.');
  } catch (error) {
    await session.discard();
    throw isSnapshotError(error) ? error : fileSystemError(error, 'capturing');
  }
}

async function addContent(
  core: StoreCore,
  session: CaptureSession,
  content: AsyncIterable<Uint8Array>,
): Promise<StoredContent> {
  const whole = createDigest();
  const chunks: { digest: Digest; size: number }[] = [];
  let pieces: Uint8Array[] = [];
  let held = 0;
  let size = 0;
  const flush = () => {
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    chunks.push({ digest: session.addBlob(bytes), size: held });
    pieces = [];
    held = 0;
  };
  for await (const piece of content) {
    whole.update(piece);
    size += piece.length;
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + core.chunkBytes - held);
      pieces.push(part);
      held += part.length;
      at += part.length;
      if (held === core.chunkBytes) flush();
    }
  }
  if (held > 0 || chunks.length === 0) flush();
  if (chunks.length === 1) return { kind: 'file', digest: chunks[0]!.digest, size };
  const digest = session.addBlob(encodeChunks({ chunks }));
  writeAlias(core, whole.hex(), { digest, size });
  return { kind: 'chunked', digest, size };
}

function findKnown(
  core: StoreCore,
  digest: Digest,
  size: number,
  allowed: (blob: Digest) => boolean,
): StoredContent | undefined {
  if (allowed(digest) && core.segments.find(digest)?.length === size) return { kind: 'file', digest, size };
  const alias = readAlias(core, digest);
  if (!alias || alias.size !== size || !allowed(alias.digest) || !core.segments.find(alias.digest)) return undefined;
  return { kind: 'chunked', ...alias };
}
