import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The tree of every run: the same seed gives the same bytes. */
export const treeFiles = 20_000;
const seed = 20_251_121;

/** A small generator of numbers in [0, 1); its only virtue is that it repeats. */
export function createDraws(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const words =
  'const let return function import export from value index item state props node module default async await error null true false string number object array map filter class extends constructor this'.split(
    ' ',
  );

/**
 * Writes 20,000 files of about 400 MB, shaped like a workspace with its dependencies: many small files, a few of some
 * megabytes; half of the bytes like source text, half like binaries.
 */
export function generateTree(root: string): number {
  const draw = createDraws(seed);
  const text = sourceText(draw, 1 << 20);
  const binary = Buffer.alloc(1 << 20);
  for (let at = 0; at < binary.length; at += 4) binary.writeUInt32LE((draw() * 2 ** 32) >>> 0, at);
  let bytes = 0;
  const made = new Set<string>();
  for (let index = 0; index < treeFiles; index += 1) {
    const directory = join(root, `package-${index % 40}`, `part-${Math.floor(index / 40) % 50}`);
    if (!made.has(directory)) mkdirSync(directory, { recursive: true });
    made.add(directory);
    const size = index % 1000 === 0 ? 4 << 20 : sizeOf(draw);
    const source = draw() < 0.5 ? text : binary;
    const content = Buffer.alloc(size);
    for (let filled = 0; filled < size; ) {
      const start = Math.floor(draw() * (source.length - 4096));
      filled += source.copy(content, filled, start, Math.min(source.length, start + size - filled));
    }
    content.write(`// file ${index}\n`);
    writeFileSync(join(directory, `file-${index}.js`), content);
    bytes += size;
  }
  return bytes;
}

/** Median about 6 kB, with a long tail. */
function sizeOf(draw: () => number): number {
  const spread = draw() + draw() + draw() + draw() - 2;
  return Math.max(16, Math.floor(Math.exp(8.76 + 2.4 * spread)));
}

function sourceText(draw: () => number, bytes: number): Buffer {
  const text = Buffer.alloc(bytes);
  let used = 0;
  while (used < bytes - 32) {
    const word = words[Math.floor(draw() * words.length)]!;
    used += text.write(draw() < 0.2 ? `${word}_${Math.floor(draw() * 100_000)};\n` : `${word} `, used);
  }
  return text;
}
