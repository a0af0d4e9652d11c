import { basename } from 'node:path';
import { parsePipRequirementsLineLoosely } from 'pip-requirements-js';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { type Digest, digestOf } from '../digest.js';
import { SnapshotError } from '../errors.js';

export type PackageManager = 'npm' | 'pip' | 'cargo';

/** One package that a lock file fixes. */
export interface LockedPackage {
  name: string;
  version: string;
  /** What the manager checks a download against, as the lock file gives it. */
  integrity: string[];
}

/** What a lock file says, without comments, order and line ends. */
export interface LockedDependencies {
  manager: PackageManager;
  /** File name the dependencies were read from. */
  source: string;
  packages: LockedPackage[];
  /** SHA-256 of the above: two lock files with the same dependencies have the same one. */
  digest: Digest;
}

const readers: { pattern: RegExp; manager: PackageManager; read: (text: string) => LockedPackage[] }[] = [
  { pattern: /^(package-lock|npm-shrinkwrap|\.package-lock)\.json$/, manager: 'npm', read: readNpm },
  { pattern: /^Cargo\.lock$/, manager: 'cargo', read: readCargo },
  { pattern: /^(poetry|uv|pdm)\.lock$/, manager: 'pip', read: readPythonToml },
  { pattern: /^Pipfile\.lock$/, manager: 'pip', read: readPipfile },
  { pattern: /^(.*requirements.*|constraints)\.(txt|in|lock)$/, manager: 'pip', read: readRequirements },
];

/**
 * Reads a lock file of npm (`package-lock.json`, `npm-shrinkwrap.json`), pip (`requirements*.txt`, `Pipfile.lock`,
 * `poetry.lock`, `uv.lock`, `pdm.lock`) or cargo (`Cargo.lock`). The file's name says which.
 *
 * @throws {@link SnapshotError} `lock_file_invalid`
 */
export function parseLockFile(path: string, text: string): LockedDependencies {
  const source = basename(path);
  const reader = readers.find(({ pattern }) => pattern.test(source));
  if (!reader) {
    throw new SnapshotError(
      'lock_file_invalid',
      `${source} is no lock file that can be read. Use package-lock.json, npm-shrinkwrap.json, requirements.txt, Pipfile.lock, poetry.lock, uv.lock, pdm.lock or Cargo.lock.`,
    );
  }
  let packages: LockedPackage[];
  try {
    packages = reader.read(text);
  } catch (cause) {
    throw new SnapshotError(
      'lock_file_invalid',
      `${source} cannot be read: ${(cause as Error).message}. Let ${reader.manager} write it again.`,
      { cause },
    );
  }
  const sorted = packages
    .map((entry) => ({ ...entry, integrity: [...entry.integrity].sort() }))
    .sort((first, second) => compare(first.name, second.name) || compare(first.version, second.version));
  return {
    manager: reader.manager,
    source,
    packages: sorted,
    digest: digestOf(JSON.stringify([reader.manager, sorted])),
  };
}

function compare(first: string, second: string): number {
  return first < second ? -1 : first > second ? 1 : 0;
}

const npmEntry = z.object({
  version: z.string().optional(),
  resolved: z.union([z.string(), z.boolean()]).optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
});
interface NpmOne extends z.infer<typeof npmEntry> {
  dependencies?: Record<string, NpmOne> | undefined;
}
const npmOne: z.ZodType<NpmOne> = npmEntry.extend({
  dependencies: z.lazy(() => z.record(z.string(), npmOne)).optional(),
});
const npmLock = z.union([
  z.object({ packages: z.record(z.string(), npmEntry) }),
  z.object({ dependencies: z.record(z.string(), npmOne) }),
]);

/** Versions 2 and 3 list packages by place; version 1 nests them. */
function readNpm(text: string): LockedPackage[] {
  const lock = npmLock.parse(JSON.parse(text));
  if ('packages' in lock) {
    return Object.entries(lock.packages)
      .filter(([place]) => place !== '')
      .map(([place, entry]) => npmPackage(place, entry));
  }
  const nested = (dependencies: Record<string, NpmOne>, place: string): LockedPackage[] =>
    Object.entries(dependencies).flatMap(([name, entry]) => {
      const here = `${place}node_modules/${name}`;
      return [npmPackage(here, entry), ...nested(entry.dependencies ?? {}, `${here}/`)];
    });
  return nested(lock.dependencies, '');
}

function npmPackage(place: string, entry: z.infer<typeof npmEntry>): LockedPackage {
  const origin = typeof entry.resolved === 'string' ? entry.resolved : '';
  return {
    name: place,
    version: entry.version ?? (entry.link ? `link:${origin}` : ''),
    integrity: entry.integrity ? [entry.integrity] : [origin],
  };
}

const cargoLock = z.object({
  package: z
    .array(
      z.object({
        name: z.string(),
        version: z.string(),
        source: z.string().optional(),
        checksum: z.string().optional(),
      }),
    )
    .default([]),
});

function readCargo(text: string): LockedPackage[] {
  return cargoLock
    .parse(parseToml(text))
    .package.map(({ name, version, source, checksum }) => ({ name, version, integrity: [checksum ?? source ?? ''] }));
}

const fileHash = z.object({ hash: z.string().optional() });
const pythonLock = z.object({
  package: z
    .array(
      z.object({
        name: z.string(),
        version: z.string().optional(),
        files: z.array(fileHash).optional(),
        wheels: z.array(fileHash).optional(),
        sdist: fileHash.optional(),
      }),
    )
    .default([]),
});

function readPythonToml(text: string): LockedPackage[] {
  return pythonLock.parse(parseToml(text)).package.map(({ name, version, files, wheels, sdist }) => ({
    name,
    version: version ?? '',
    integrity: [...(files ?? []), ...(wheels ?? []), ...(sdist ? [sdist] : [])].map(({ hash }) => hash ?? ''),
  }));
}

const pipfilePackage = z.object({
  version: z.string().optional(),
  hashes: z.array(z.string()).optional(),
  ref: z.string().optional(),
});
const pipfileLock = z.object({
  default: z.record(z.string(), pipfilePackage).default({}),
  develop: z.record(z.string(), pipfilePackage).default({}),
});

function readPipfile(text: string): LockedPackage[] {
  const lock = pipfileLock.parse(JSON.parse(text));
  return [...Object.entries(lock.default), ...Object.entries(lock.develop)].map(([name, { version, hashes, ref }]) => ({
    name,
    version: version ?? ref ?? '',
    integrity: hashes ?? [],
  }));
}

/** The requirement itself is read by a library; hashes and options are cut off before, as it does not know them. */
function readRequirements(text: string): LockedPackage[] {
  const lines = text
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
  return lines.map((line) => {
    if (line.startsWith('-')) return { name: `option ${line}`, version: '', integrity: [] };
    const integrity = [...line.matchAll(/--hash[=\s](\S+)/g)].map((match) => match[1]!);
    const requirement = line.replace(/\s--\S+(?:[=\s]\S+)?/g, '').trim();
    const parsed = parsePipRequirementsLineLoosely(requirement);
    switch (parsed?.type) {
      case 'ProjectName': {
        const version = (parsed.versionSpec ?? []).map((spec) => `${spec.operator}${spec.version ?? ''}`).join(',');
        const extras = parsed.extras?.length ? `[${[...parsed.extras].sort().join(',')}]` : '';
        const marker = /;(.*)$/.exec(requirement)?.[1]?.trim();
        return {
          name: `${normalize(parsed.name)}${extras}`,
          version: marker ? `${version};${marker}` : version,
          integrity,
        };
      }
      default:
        return { name: requirement, version: '', integrity };
    }
  });
}

/** Names of Python packages compare without case, with runs of "-", "_" and "." as one "-" (PEP 503). */
function normalize(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
