import { spawn, spawnSync } from 'node:child_process';

/** A tool beside which we are measured. Each turn works in a place of its own. */
export interface OtherTool {
  name: string;
  /** Programs it needs. */
  programs: string[];
  version: string;
  prepare?: (place: string) => string;
  capture(tree: string, place: string): string;
  /** What it does when nothing changed. Tools that know no difference do it all again. */
  again(tree: string, place: string): string;
  /** Waits for the disk before it says that it is done (seen with `strace`). */
  flushes: boolean;
}

const environment = (place: string) => ({
  ...process.env,
  RESTIC_PASSWORD: 'bench',
  RESTIC_CACHE_DIR: `${place}/restic-cache`,
  BORG_BASE_DIR: `${place}/borg-base`,
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
});

export const otherTools: OtherTool[] = [
  {
    name: 'tar | zstd',
    programs: ['tar', 'zstd'],
    version: 'zstd --version',
    capture: (tree, place) => `tar -cf - -C ${tree} . | zstd -1 -q -f -o ${place}/tree.tar.zst`,
    again: (tree, place) => `tar -cf - -C ${tree} . | zstd -1 -q -f -o ${place}/again.tar.zst`,
    flushes: false,
  },
  {
    name: 'cp -a',
    programs: ['cp'],
    version: 'cp --version',
    capture: (tree, place) => `cp -a ${tree} ${place}/copy`,
    again: (tree, place) => `cp -a ${tree} ${place}/copy-again`,
    flushes: false,
  },
  {
    name: 'restic',
    programs: ['restic'],
    version: 'restic version',
    prepare: (place) => `restic init -q -r ${place}/restic`,
    capture: (tree, place) => `cd ${tree} && restic backup -q -r ${place}/restic .`,
    again: (tree, place) => `cd ${tree} && restic backup -q -r ${place}/restic .`,
    flushes: true,
  },
  {
    name: 'borg',
    programs: ['borg'],
    version: 'borg --version',
    prepare: (place) => `borg init -e none ${place}/borg`,
    capture: (tree, place) => `cd ${tree} && borg create ${place}/borg::first .`,
    again: (tree, place) => `cd ${tree} && borg create ${place}/borg::again .`,
    flushes: true,
  },
  {
    name: 'casync',
    programs: ['casync'],
    version: 'casync --version',
    capture: (tree, place) => `casync make --store=${place}/casync.castr ${place}/first.caidx ${tree} > /dev/null`,
    again: (tree, place) => `casync make --store=${place}/casync.castr ${place}/again.caidx ${tree} > /dev/null`,
    flushes: false,
  },
];

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** The first line that a tool says of itself. */
export function versionOf(command: string): string {
  return spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout.trim().split('\n')[0] ?? '';
}

/** Runs a command and says how long it took. */
export async function shell(command: string, place: string): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'], env: environment(place) });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.slice(-500)}`);
  return performance.now() - startedAtMs;
}

/** The same start for everyone: what others wrote is on disk, and the files to read are in memory. */
export async function settle(tree: string): Promise<void> {
  await shell(`sync; find ${tree} -type f -exec cat {} + > /dev/null`, '/tmp');
}
