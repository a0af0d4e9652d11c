import { type Digest, digestOf } from '../digest.js';
import { SnapshotError } from '../errors.js';

/**
 * A segment is one immutable file that holds many blobs: a head, the blobs one after the other, an index sorted by
 * digest, and a tail. Its name is the digest of its index, so a file that is there under its name is complete.
 */
export const segmentHead = Buffer.from('PLSEG01\n');
const segmentTail = Buffer.from('PLEND01\n');

/** 32 bytes digest, 6 bytes offset, 4 bytes length. */
export const indexEntryBytes = 42;
/** 6 bytes offset of the index, 4 bytes entry count, 32 bytes digest of the index, 8 bytes mark. */
export const tailBytes = 50;
/** A single blob is never larger; larger files are chunked. */
export const maximumBlobBytes = 64 * 1024 * 1024;

export interface BlobLocation {
  offset: number;
  length: number;
}

/** Sorts fixed-size index entries by digest. */
export function sortIndex(entries: Buffer): Buffer {
  const count = entries.length / indexEntryBytes;
  const order = Array.from({ length: count }, (_, index) => index * indexEntryBytes);
  order.sort((first, second) => entries.compare(entries, second, second + 32, first, first + 32));
  const sorted = Buffer.allocUnsafe(entries.length);
  for (let index = 0; index < count; index += 1) {
    entries.copy(sorted, index * indexEntryBytes, order[index]!, order[index]! + indexEntryBytes);
  }
  return sorted;
}

export function writeIndexEntry(target: Buffer, at: number, digest: Uint8Array, location: BlobLocation): void {
  target.set(digest, at);
  target.writeUIntBE(location.offset, at + 32, 6);
  target.writeUInt32BE(location.length, at + 38);
}

export function encodeTail(indexOffset: number, index: Uint8Array): { tail: Buffer; name: Digest } {
  const name = digestOf(index);
  const tail = Buffer.alloc(tailBytes);
  tail.writeUIntBE(indexOffset, 0, 6);
  tail.writeUInt32BE(index.length / indexEntryBytes, 6);
  tail.write(name, 10, 'hex');
  segmentTail.copy(tail, 42);
  return { tail, name };
}

/** @throws {@link SnapshotError} `store_unusable` when the file was cut or is no segment */
export function decodeTail(
  tail: Buffer,
  fileBytes: number,
): { indexOffset: number; indexBytes: number; indexDigest: Digest } {
  if (tail.length !== tailBytes || !tail.subarray(42).equals(segmentTail)) throw damaged('its end is missing');
  const indexOffset = tail.readUIntBE(0, 6);
  const indexBytes = tail.readUInt32BE(6) * indexEntryBytes;
  if (indexOffset + indexBytes + tailBytes !== fileBytes) throw damaged('its length does not fit');
  return { indexOffset, indexBytes, indexDigest: tail.toString('hex', 10, 42) };
}

export function damaged(reason: string): SnapshotError {
  return new SnapshotError(
    'store_unusable',
    `A segment of the store is damaged: ${reason}. Run \`verify\` to list what is lost, then capture or pull it again.`,
  );
}

/**
 * Finds a digest in a sorted index by interpolation: digests are spread evenly, so two or three looks are enough.
 *
 * @returns the position of the entry, or -1
 */
export function findInIndex(index: Buffer, digest: Uint8Array): number {
  const count = index.length / indexEntryBytes;
  let low = 0;
  let high = count - 1;
  const wanted = (digest[0]! * 0x1000000 + digest[1]! * 0x10000 + digest[2]! * 0x100 + digest[3]!) >>> 0;
  while (low <= high) {
    const first = index.readUInt32BE(low * indexEntryBytes);
    const last = index.readUInt32BE(high * indexEntryBytes);
    if (wanted < first || wanted > last) return -1;
    const share = last === first ? 0.5 : (wanted - first) / (last - first);
    const middle = low + Math.floor(share * (high - low));
    const at = middle * indexEntryBytes;
    const order = compareAt(index, at, digest);
    if (order === 0) return at;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function compareAt(index: Buffer, at: number, digest: Uint8Array): number {
  return index.compare(digest, 0, 32, at, at + 32);
}

export function locationAt(index: Buffer, at: number): BlobLocation {
  return { offset: index.readUIntBE(at + 32, 6), length: index.readUInt32BE(at + 38) };
}
