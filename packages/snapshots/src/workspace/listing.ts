import type { Digest } from '../digest.js';
import { SnapshotError } from '../errors.js';
import { assertSafeName, type EntryName, entryNameOf } from '../paths.js';
import { quote } from './sandbox.js';

/** One thing that lies in a workspace. */
export type ListedEntry = { names: EntryName[]; mode: number } & (
  | { kind: 'file'; size: number; digest: Digest | undefined }
  | { kind: 'directory' }
  | { kind: 'link'; target: EntryName }
);

/** Exit code of {@link listScript} when the sandbox has no tools to list and hash with. */
export const noListingExit = 91;
/** Exit code when there is no such directory. */
export const noDirectoryExit = 90;

/**
 * Writes kinds, modes, sizes, names, link targets and digests of all files to `output`, each field ended by NUL. Uses
 * `find` and `sha256sum` where they are; without them the whole workspace travels.
 */
export function listScript(directory: string, output: string): string {
  const target = quote(output);
  return [
    `cd -- ${quote(directory)} || exit ${noDirectoryExit}`,
    `find . -maxdepth 0 -printf '' 2>/dev/null && printf x | sha256sum -z >/dev/null 2>&1 || exit ${noListingExit}`,
    `umask 077; mkdir -p ${quote(parentOf(output))} || exit 1`,
    `find . -printf '%y\\0%m\\0%s\\0%P\\0%l\\0' > ${target} || exit 1`,
    `printf 'end\\0' >> ${target}`,
    `find . -type f -exec sha256sum -z -- {} + >> ${target} || exit 1`,
  ].join('\n');
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** @throws {@link SnapshotError} `sandbox_failed`, `path_unsafe`: the listing comes from inside the sandbox and is not trusted */
export function parseListing(bytes: Uint8Array): ListedEntry[] {
  const fields = splitFields(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const end = fields.findIndex((field, index) => index % 5 === 0 && field.toString() === 'end');
  if (end < 0) throw broken('its end is missing');
  const digests = new Map<string, Digest>();
  for (const field of fields.slice(end + 1)) {
    const text = field.toString('latin1');
    const match = /^([0-9a-f]{64}) [ *]\.\/([\s\S]+)$/.exec(text);
    if (match) digests.set(match[2]!, match[1]!);
  }
  const entries: ListedEntry[] = [];
  for (let at = 0; at < end; at += 5) {
    const [kind, mode, size, path, target] = fields.slice(at, at + 5);
    if (!target) throw broken('an entry is not whole');
    const entry = entryOf(kind!.toString(), mode!.toString(), size!.toString(), path!, target, digests);
    if (entry) entries.push(entry);
  }
  return entries;
}

/** Writes the kind and name of everything below a directory to `output`, parents first. Needs `find`. */
export function pathsScript(directory: string, output: string): string {
  return `umask 077; cd -- ${quote(directory)} && find . -mindepth 1 -printf '%y\\0%P\\0' > ${quote(output)} && printf 'end\\0' >> ${quote(output)}`;
}

/** Undefined when the list is not whole. */
export function parsePaths(
  bytes: Uint8Array,
): { names: EntryName[]; kind: 'file' | 'directory' | 'link' }[] | undefined {
  const fields = splitFields(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (fields.length % 2 !== 1 || fields.at(-1)?.toString() !== 'end') return undefined;
  const kinds = { d: 'directory', l: 'link' } as const;
  return Array.from({ length: (fields.length - 1) / 2 }, (_, index) => {
    const names = namesOf(fields[index * 2 + 1]!.toString('latin1'));
    for (const name of names) assertSafeName(name);
    return { names, kind: kinds[fields[index * 2]!.toString() as keyof typeof kinds] ?? 'file' };
  });
}

function namesOf(path: string): EntryName[] {
  return path === '' ? [] : path.split('/').map((name) => entryNameOf(Buffer.from(name, 'latin1')));
}

function entryOf(
  kind: string,
  modeText: string,
  sizeText: string,
  path: Buffer,
  target: Buffer,
  digests: ReadonlyMap<string, Digest>,
): ListedEntry | undefined {
  const key = path.toString('latin1');
  const names = namesOf(key);
  for (const name of names) assertSafeName(name);
  const mode = Number.parseInt(modeText, 8);
  const size = Number(sizeText);
  if (!(mode >= 0 && mode <= 0o7777) || !Number.isSafeInteger(size)) throw broken('a mode or a size is no number');
  switch (kind) {
    case 'f':
      return { kind: 'file', names, mode, size, digest: digests.get(key) };
    case 'd':
      return { kind: 'directory', names, mode };
    case 'l':
      return { kind: 'link', names, mode, target: entryNameOf(target) };
    default:
      return undefined;
  }
}

function splitFields(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    fields.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return fields;
}

function broken(reason: string): SnapshotError {
  return new SnapshotError(
    'sandbox_failed',
    `The list of the workspace that the sandbox gave cannot be read: ${reason}. Capture again.`,
  );
}
