import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { WarmingError } from '../errors.js';

const HEADER_BYTES = 4;

/** Bytes of a policy's state: checksum, then family, version and content. Numbers stay in their typed arrays. */
export function encodeState(family: string, version: number, content: unknown): Uint8Array {
  const body = serialize({ family, version, content });
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(bytes.buffer).setUint32(0, crc32(body));
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** @throws WarmingError `ledger_corrupt` when the bytes are damaged, foreign or hold a number that is none */
export function decodeState(family: string, version: number, bytes: Uint8Array): unknown {
  if (bytes.length <= HEADER_BYTES) throw corrupt(family, 'it is too short');
  const body = bytes.subarray(HEADER_BYTES);
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (crc32(body) !== sum) throw corrupt(family, 'its checksum does not match');
  let record: { family?: unknown; version?: unknown; content?: unknown };
  try {
    record = deserialize(body) as typeof record;
  } catch (cause) {
    throw corrupt(family, 'it cannot be read', cause);
  }
  if (record.family !== family || record.version !== version) {
    throw corrupt(family, `it is of family ${String(record.family)}, version ${String(record.version)}`);
  }
  if (hasNaN(record.content)) throw corrupt(family, 'it holds a number that is not one');
  return record.content;
}

function hasNaN(value: unknown): boolean {
  if (typeof value === 'number') return Number.isNaN(value);
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Float32Array || value instanceof Float64Array) return value.some((item) => Number.isNaN(item));
  if (value instanceof Map) return [...value.values()].some(hasNaN);
  return Object.values(value).some(hasNaN);
}

function corrupt(family: string, what: string, cause?: unknown): WarmingError {
  return new WarmingError(
    'ledger_corrupt',
    `The stored state of the ${family} policy cannot be used: ${what}. Delete it; the policy starts again from its prior.`,
    { cause },
  );
}
