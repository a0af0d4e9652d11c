import { UnsafePathError } from './errors.js';

/** One name in a directory: text when it is valid UTF-8, else the bytes as the file system has them. */
export type EntryName = string | Buffer;

/** A path for the file system, as bytes as soon as one of its names is not valid UTF-8. */
export type FilePath = string | Buffer;

export function joinPath(parent: FilePath, name: EntryName): FilePath {
  if (typeof parent === 'string' && typeof name === 'string') return parent === '' ? name : `${parent}/${name}`;
  const head = Buffer.from(parent as string);
  return head.length === 0 ? Buffer.from(name as string) : Buffer.concat([head, slash, Buffer.from(name as string)]);
}

const slash = Buffer.from('/');

/** For messages and reports only. */
export function displayPath(path: FilePath): string {
  return typeof path === 'string' ? path : path.toString('latin1');
}

/** Text where the bytes are valid UTF-8, else the bytes. */
export function entryNameOf(bytes: Buffer): EntryName {
  const text = bytes.toString('utf8');
  return text.includes('\uFFFD') && !Buffer.from(text).equals(bytes) ? bytes : text;
}

/** A total order that does not depend on locale: text by UTF-16 unit, names that are bytes after all text. */
export function compareNames(first: EntryName, second: EntryName): number {
  if (typeof first === 'string') {
    if (typeof second !== 'string') return -1;
    return first < second ? -1 : first > second ? 1 : 0;
  }
  return typeof second === 'string' ? 1 : Buffer.compare(first, second);
}

/**
 * A single name that stays in its directory.
 *
 * @throws {@link UnsafePathError}
 */
export function assertSafeName(name: EntryName): void {
  const text = displayPath(name);
  if (text === '' || text === '.' || text === '..')
    throw new UnsafePathError(text, 'it names a directory above or itself');
  if (text.includes('/')) throw new UnsafePathError(text, 'a single name holds no "/"');
  if (text.includes('\0')) throw new UnsafePathError(text, 'it holds a NUL byte');
  if (Buffer.byteLength(text) > 255 && name.length > 255)
    throw new UnsafePathError(text, 'it is longer than 255 bytes');
}

/**
 * Splits a relative path as archives and requests give it. A leading "./" and a trailing "/" are tolerated.
 *
 * @throws {@link UnsafePathError} when it is absolute, climbs with "..", or holds a NUL byte
 */
export function splitSafePath(path: string): string[] {
  if (path.startsWith('/')) throw new UnsafePathError(path, 'it is absolute');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const name of names) assertSafeName(name);
  return names;
}
