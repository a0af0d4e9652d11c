import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { type ArchiveLimits, readArchive } from '../archive/read-archive.js';
import type { Digest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { type EntryName, type FilePath, joinPath } from '../paths.js';
import { Scrubber, type ScrubReport, type ScrubRules } from '../scrub/scrubber.js';
import type { EntriesSnapshot, EntryWriter } from '../store/capture-entries.js';
import type { Snapshot } from '../store/snapshot-record.js';
import { type ListedEntry, listScript, noDirectoryExit, noListingExit, parseListing } from './listing.js';
import {
  expectScript,
  fileOptions,
  quote,
  runScript,
  type SandboxAccess,
  type WorkspaceSandbox,
  writeBytes,
} from './sandbox.js';
import { stateDirectoryName } from './state.js';

/** What capturing a workspace needs of a store. */
export interface WorkspaceStore {
  snapshot(id: Digest): Snapshot;
  reach(id: Digest): Map<Digest, number>;
  captureEntries(
    details: EntriesSnapshot,
    fill: (writer: EntryWriter) => Promise<void>,
  ): Promise<{ snapshot: Snapshot; written: { blobs: number; bytes: number } }>;
}

export interface CaptureWorkspaceOptions extends SandboxAccess {
  /** @default '' (the host alone) */
  owner?: string;
  /**
   * The snapshot that the workspace was restored from. What it holds does not travel again; what others hold does, for a
   * sandbox could name digests that it never had. @default none: everything travels
   */
  parent?: string;
  /** @default the built-in rules */
  scrub?: ScrubRules | false;
  /** @default {} */
  labels?: Readonly<Record<string, string>>;
  /** How much the sandbox may send. */
  limits?: ArchiveLimits;
}

export interface CapturedWorkspace {
  snapshot: Snapshot;
  /** Files whose content came out of the sandbox. */
  filesMoved: number;
  written: { blobs: number; bytes: number };
  scrubbed: ScrubReport[];
}

/**
 * Freezes a directory of a sandbox. Only contents that the parent does not hold travel, all in one stream.
 *
 * @throws {@link SnapshotError} `sandbox_failed`, `archive_invalid`, `archive_too_large`, `path_unsafe`, `disk_full`
 */
export async function captureWorkspace(
  store: WorkspaceStore,
  sandbox: WorkspaceSandbox,
  path: string,
  options: CaptureWorkspaceOptions = {},
): Promise<CapturedWorkspace> {
  const work = `/tmp/.pilotlight-${randomBytes(8).toString('hex')}`;
  const reach = options.parent === undefined ? undefined : store.reach(options.parent);
  const scrubber = new Scrubber(options.scrub);
  let filesMoved = 0;
  try {
    const listing = await list(sandbox, path, `${work}/list`, options);
    const { snapshot, written } = await store.captureEntries(
      { owner: options.owner ?? '', parent: options.parent, labels: options.labels ?? {} },
      async (writer) => {
        const missing = listing && addKnown(writer, listing, scrubber, (digest) => reach?.has(digest) ?? false);
        if (missing?.length === 0) return;
        const archive = await pack(sandbox, path, work, missing, options);
        filesMoved = await addArchive(writer, archive, scrubber, missing !== undefined, options.limits);
        if (missing !== undefined && filesMoved !== missing.length) {
          throw new SnapshotError(
            'sandbox_failed',
            `The sandbox sent ${filesMoved} of ${missing.length} files; the workspace changed meanwhile. Capture again.`,
          );
        }
      },
    );
    return { snapshot, written, filesMoved, scrubbed: scrubber.report() };
  } finally {
    await runScript(sandbox, `rm -rf ${quote(work)} 2>/dev/null || : > ${quote(`${work}/archive.tar`)}`, {
      ...(options.user !== undefined && { user: options.user }),
    }).catch(() => undefined);
  }
}

/** Undefined when the sandbox has no tools for it. */
async function list(
  sandbox: WorkspaceSandbox,
  path: string,
  output: string,
  options: CaptureWorkspaceOptions,
): Promise<ListedEntry[] | undefined> {
  const { exitCode, stderr } = await runScript(sandbox, listScript(path, output), options);
  if (exitCode === noListingExit) return undefined;
  if (exitCode === noDirectoryExit) {
    throw new SnapshotError('source_unreadable', `The sandbox has no directory ${path}, or its user may not enter it.`);
  }
  if (exitCode !== 0) {
    throw new SnapshotError(
      'sandbox_failed',
      `Listing ${path} failed in the sandbox: ${stderr.trim().slice(-300)}. Try again.`,
    );
  }
  return parseListing(await sandbox.files.read(output, { format: 'bytes', ...fileOptions(options) }));
}

/** Adds what needs no content and what is known. @returns names of files whose content has to travel */
function addKnown(
  writer: EntryWriter,
  listing: readonly ListedEntry[],
  scrubber: Scrubber,
  isKnown: (digest: Digest) => boolean,
): EntryName[][] {
  const missing: EntryName[][] = [];
  const dropped = new DroppedPaths(scrubber);
  for (const entry of listing) {
    if (entry.names.length > 0 && dropped.drops(entry.names, entry.kind)) continue;
    switch (entry.kind) {
      case 'directory':
        writer.tree.addDirectory(entry.names, entry.mode);
        break;
      case 'link':
        writer.tree.add(entry.names, { kind: 'link', target: entry.target });
        break;
      case 'file': {
        const redacted = scrubber.redacts(pathOf(entry.names));
        const content = entry.digest && !redacted ? writer.known(entry.digest, entry.size, isKnown) : undefined;
        if (content) writer.tree.add(entry.names, { ...content, mode: entry.mode });
        else missing.push(entry.names);
      }
    }
  }
  return missing;
}

/** Has the sandbox pack the named files, or everything. */
async function pack(
  sandbox: WorkspaceSandbox,
  path: string,
  work: string,
  names: readonly EntryName[][] | undefined,
  options: CaptureWorkspaceOptions,
): Promise<Readable> {
  const archive = `${work}/archive.tar`;
  const what = names ? `--null --no-recursion -T ${quote(`${work}/names`)}` : '.';
  if (names) {
    const lines = names.map((one) =>
      Buffer.concat([Buffer.from('./'), Buffer.from(pathOf(one) as string), Buffer.from([0])]),
    );
    await writeBytes(sandbox, `${work}/names`, Buffer.concat(lines), options);
  } else {
    await writeBytes(sandbox, `${work}/names`, Buffer.alloc(0), options);
  }
  await expectScript(sandbox, `cd -- ${quote(path)} && tar -cf ${quote(archive)} ${what}`, options, `Packing ${path}`);
  const stream = await sandbox.files.read(archive, { format: 'stream', ...fileOptions(options) });
  return Readable.fromWeb(stream as NodeStream<Uint8Array>);
}

async function addArchive(
  writer: EntryWriter,
  archive: Readable,
  scrubber: Scrubber,
  contentsOnly: boolean,
  limits: ArchiveLimits | undefined,
): Promise<number> {
  const dropped = new DroppedPaths(scrubber);
  let files = 0;
  for await (const entry of readArchive(archive, limits)) {
    const skip =
      !contentsOnly &&
      entry.names.length > 0 &&
      dropped.drops(entry.names, entry.kind === 'same' ? 'file' : entry.kind);
    if (skip) continue;
    switch (entry.kind) {
      case 'directory':
        if (!contentsOnly) writer.tree.addDirectory(entry.names, entry.mode);
        break;
      case 'link':
        if (!contentsOnly) writer.tree.add(entry.names, { kind: 'link', target: entry.target });
        break;
      case 'same': {
        const origin = writer.tree.find(entry.as);
        if (origin && origin.kind !== 'link') writer.tree.add(entry.names, { ...origin });
        files += 1;
        break;
      }
      case 'file':
        writer.tree.add(entry.names, { ...(await writer.addContent(redacted(entry, scrubber))), mode: entry.mode });
        files += 1;
        break;
    }
  }
  return files;
}

async function* redacted(
  entry: { names: readonly EntryName[]; content: AsyncIterable<Uint8Array> },
  scrubber: Scrubber,
): AsyncGenerator<Uint8Array> {
  const path = pathOf(entry.names);
  if (!scrubber.redacts(path)) {
    yield* entry.content;
    return;
  }
  const parts: Uint8Array[] = [];
  for await (const part of entry.content) parts.push(part);
  yield scrubber.redact(path, Buffer.concat(parts));
}

/** Remembers dropped directories, so that what lies below them goes too. */
class DroppedPaths {
  readonly #scrubber: Scrubber;
  readonly #directories = new Set<string>();

  constructor(scrubber: Scrubber) {
    this.#scrubber = scrubber;
  }

  drops(names: readonly EntryName[], kind: 'file' | 'directory' | 'link'): boolean {
    for (let depth = 1; depth < names.length; depth += 1) {
      if (this.#directories.has(keyOf(names.slice(0, depth)))) return true;
    }
    if (isState(names)) {
      this.#directories.add(keyOf(names));
      return true;
    }
    if (this.#scrubber.keep(pathOf(names), kind)) return false;
    this.#directories.add(keyOf(names));
    return true;
  }
}

function isState(names: readonly EntryName[]): boolean {
  return names.length === 2 && names[0] === '.cache' && names[1] === stateDirectoryName;
}

function keyOf(names: readonly EntryName[]): string {
  return names.map((name) => Buffer.from(name as string).toString('latin1')).join('/');
}

function pathOf(names: readonly EntryName[]): FilePath {
  return names.reduce<FilePath>((path, name) => joinPath(path, name), '');
}
