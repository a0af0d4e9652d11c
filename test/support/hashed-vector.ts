import { createHash } from 'node:crypto';

/**
 * A deterministic vector of a text: its words and their three-letter parts, hashed with a sign into `dimension` places and
 * normalised. It stands in for an embedding model where there is no network; it knows letters, not meaning.
 */
export function hashedVector(text: string, dimension: number): number[] {
  const vector = new Array<number>(dimension).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    put(vector, word, 1);
    const padded = `^${word}$`;
    for (let start = 0; start + 3 <= padded.length; start += 1) put(vector, padded.slice(start, start + 3), 0.4);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

function put(vector: number[], feature: string, weight: number): void {
  const digest = createHash('md5').update(feature).digest();
  const place = digest.readUInt32LE(0) % vector.length;
  vector[place] = (vector[place] ?? 0) + (digest[4]! & 1 ? weight : -weight);
}
