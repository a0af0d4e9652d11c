import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { LocalHostError } from '../errors.js';
import { defaultPlaces } from './state-place.js';

const user = process.getuid?.() ?? 0;
const instanceName = new RegExp(`^pilotlight-local-${user}-(\\d+)-[0-9a-f]{6}$`);

/** When the process of this id was started, or undefined when there is none; two processes never share both. */
function startedAt(pid: number): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    if (existsSync('/proc/self/stat')) {
      return undefined;
    }
    try {
      process.kill(pid, 0);
      return 'unknown';
    } catch {
      return undefined;
    }
  }
}

/**
 * Makes the directory of one running host and removes those whose host is gone: a host that was killed leaves nothing
 * for longer than until the next start.
 */
export function openInstanceDirectory(stateDirectory: string): string {
  const root = resolve(stateDirectory);
  try {
    mkdirSync(root, { recursive: true, mode: 0o711 });
    for (const place of new Set([root, ...defaultPlaces()])) {
      removeStale(place);
    }
    const instance = join(root, `pilotlight-local-${user}-${process.pid}-${randomBytes(3).toString('hex')}`);
    mkdirSync(instance);
    // Sandboxes of root have their own user ids and must be able to pass through, not to read.
    chmodSync(instance, user === 0 ? 0o711 : 0o700);
    writeFileSync(
      join(instance, 'owner.json'),
      JSON.stringify({ pid: process.pid, startedAt: startedAt(process.pid) }),
      {
        mode: 0o600,
      },
    );
    return instance;
  } catch (error) {
    throw new LocalHostError(
      'state_unusable',
      `The state directory ${root} cannot be used: ${(error as Error).message}. Give another one as "stateDirectory".`,
      { cause: error },
    );
  }
}

const processDirectory = 'processes';

/**
 * Remembers a process that would outlive a host that is killed; the next start ends its whole group.
 * Returns how to forget it. Does nothing where a process cannot be told apart from a later one of the same id.
 */
export function rememberProcess(instanceDirectory: string, pid: number): () => void {
  const started = startedAt(pid);
  if (started === undefined || started === 'unknown') {
    return () => {};
  }
  const directory = join(instanceDirectory, processDirectory);
  const file = join(directory, `${pid}-${started}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, '');
  return () => rmSync(file, { force: true });
}

function killRemembered(instanceDirectory: string): void {
  const directory = join(instanceDirectory, processDirectory);
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const [pid, started] = name.split('-');
    if (startedAt(Number(pid)) === started) {
      process.kill(-Number(pid), 'SIGKILL');
    }
  }
}

function removeStale(root: string): void {
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    const directory = join(root, name);
    if (instanceName.test(name) && isOurs(directory) && !hasLivingOwner(directory)) {
      killRemembered(directory);
      removeTree(directory);
    }
  }
}

/** In a directory that others may write to, a name proves nothing. */
function isOurs(directory: string): boolean {
  const entry = lstatSync(directory, { throwIfNoEntry: false });
  return entry?.isDirectory() === true && entry.uid === user;
}

function hasLivingOwner(directory: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8')) as {
      pid: number;
      startedAt?: string;
    };
    return startedAt(owner.pid) === owner.startedAt && owner.startedAt !== undefined;
  } catch {
    // A host between mkdir and its owner file is as old as its name says.
    const pid = Number(instanceName.exec(basename(directory))?.[1]);
    return startedAt(pid) !== undefined;
  }
}

/** Removes a tree in which a sandbox may have left directories without any permission. */
export function removeTree(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    openDirectories(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

function openDirectories(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      openDirectories(join(directory, entry.name));
    }
  }
}
