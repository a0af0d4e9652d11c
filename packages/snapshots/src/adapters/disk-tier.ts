import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileSystemError } from '../errors.js';
import type { Tier, TierKey } from '../tiers/tier.js';

export interface DiskTierOptions {
  directory: string;
  /** @default 'disk' */
  name?: string;
  /** Least recently used objects make room beyond this. @default 10_737_418_240 (10 GiB) */
  maximumBytes?: number;
}

/** The time an object ends is its modification time; the time it was last used is its access time. */
const farMs = 100 * 365 * 24 * 3_600_000;

/** Keeps each object in a file of its own: written under a temporary name, then renamed. */
export function createDiskTier(options: DiskTierOptions): Tier {
  const maximumBytes = options.maximumBytes ?? 10 * 1024 ** 3;
  const root = join(options.directory, 'tier-v1');
  const pathOf = (key: TierKey) => {
    const digest = key.slice(key.lastIndexOf('/') + 1);
    return join(root, key.slice(0, key.lastIndexOf('/')), digest.slice(0, 2), digest);
  };
  let usedBytes: Promise<number> | undefined;

  return {
    name: options.name ?? 'disk',

    get: async (key, { signal } = {}) => {
      const path = pathOf(key);
      try {
        const stats = await stat(path);
        if (stats.mtimeMs <= Date.now()) {
          await rm(path, { force: true });
          return undefined;
        }
        const bytes = await readFile(path, { signal });
        await utimes(path, new Date(), stats.mtime).catch(ignoreMissing);
        return bytes;
      } catch (error) {
        return ignoreMissing(error);
      }
    },

    put: async (key, bytes, { ttlMs, signal } = {}) => {
      const path = pathOf(key);
      const temporary = join(root, 'temporary', randomBytes(12).toString('hex'));
      try {
        usedBytes ??= measure(root).then((files) => files.reduce((sum, file) => sum + file.bytes, 0));
        await mkdir(dirname(temporary), { recursive: true });
        await mkdir(dirname(path), { recursive: true });
        await writeFile(temporary, bytes, { signal });
        await utimes(temporary, new Date(), new Date(Date.now() + (ttlMs ?? farMs)));
        await rename(temporary, path);
        const total = (await usedBytes) + bytes.length;
        usedBytes = Promise.resolve(total);
        if (total > maximumBytes) usedBytes = makeRoom(root, maximumBytes);
        await usedBytes;
      } catch (error) {
        await rm(temporary, { force: true });
        throw fileSystemError(error, `writing to ${root}`);
      }
    },

    delete: async (key) => {
      try {
        await rm(pathOf(key));
        return true;
      } catch (error) {
        ignoreMissing(error);
        return false;
      }
    },
  };
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return undefined;
}

interface StoredFile {
  path: string;
  bytes: number;
  usedAtMs: number;
}

async function measure(root: string): Promise<StoredFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(ignoreMissing);
  const files = (entries ?? []).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const measured = await Promise.all(
    files.map(async (path) => {
      const stats = await stat(path).catch(ignoreMissing);
      return stats && { path, bytes: stats.size, usedAtMs: stats.atimeMs };
    }),
  );
  return measured.filter((file) => file !== undefined);
}

/** Removes what was not used for longest until a tenth of the room is free again. */
async function makeRoom(root: string, maximumBytes: number): Promise<number> {
  const files = (await measure(root)).sort((first, second) => first.usedAtMs - second.usedAtMs);
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files) {
    if (total <= maximumBytes * 0.9) break;
    await rm(file.path, { force: true });
    total -= file.bytes;
  }
  return total;
}
