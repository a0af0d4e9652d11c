import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import type { StoreCore } from './core.js';

/** The digest of a large file as a whole leads to its list of chunks. Only a hint: what it leads to is verified. */
export function readAlias(core: StoreCore, whole: Digest): { digest: Digest; size: number } | undefined {
  try {
    const [digest, size] = readFileSync(pathOf(core, whole), 'utf8').split(' ');
    return isDigest(digest) ? { digest, size: Number(size) } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function writeAlias(core: StoreCore, whole: Digest, list: { digest: Digest; size: number }): void {
  const path = pathOf(core, whole);
  const temporary = join(core.layout.temporary, `${core.temporaryPrefix}${core.randomName()}.alias`);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, `${list.digest} ${list.size}`);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function pathOf(core: StoreCore, whole: Digest): string {
  return join(core.layout.root, 'aliases', 'sha256', whole.slice(0, 2), whole);
}
