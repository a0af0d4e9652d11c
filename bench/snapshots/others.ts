import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** A tool beside which we are measured. Its figures are milliseconds. */
export interface OtherTool {
  name: string;
  /** Programs it needs. */
  programs: string[];
  /** How often it is measured; the median counts. */
  rounds: number;
  prepare?(place: string): Promise<void>;
  capture(tree: string, place: string, round: number): string;
  /** What it does when nothing changed. Tools that know no difference do it all again. */
  again(tree: string, place: string, round: number): string;
}

const environment = (place: string) => ({
  ...process.env,
  RESTIC_PASSWORD: 'bench',
  RESTIC_CACHE_DIR: join(place, 'restic-cache'),
  BORG_BASE_DIR: join(place, 'borg-base'),
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
});

export const otherTools: OtherTool[] = [
  {
    name: 'tar | zstd',
    programs: ['tar', 'zstd'],
    rounds: 3,
    capture: (tree, place, round) => `tar -cf - -C ${tree} . | zstd -1 -q -f -o ${place}/tree-${round}.tar.zst`,
    again: (tree, place, round) => `tar -cf - -C ${tree} . | zstd -1 -q -f -o ${place}/again-${round}.tar.zst`,
  },
  {
    name: 'cp -a',
    programs: ['cp'],
    rounds: 3,
    capture: (tree, place, round) => `cp -a ${tree} ${place}/copy-${round}`,
    again: (tree, place, round) => `cp -a ${tree} ${place}/copy-again-${round}`,
  },
  {
    name: 'restic',
    programs: ['restic'],
    rounds: 1,
    prepare: async (place) => {
      await shell(`restic init -q -r ${place}/restic`, place);
    },
    capture: (tree, place) => `cd ${tree} && restic backup -q -r ${place}/restic .`,
    again: (tree, place) => `cd ${tree} && restic backup -q -r ${place}/restic .`,
  },
  {
    name: 'borg',
    programs: ['borg'],
    rounds: 1,
    prepare: async (place) => {
      await shell(`borg init -e none ${place}/borg`, place);
    },
    capture: (tree, place) => `cd ${tree} && borg create ${place}/borg::first .`,
    again: (tree, place) => `cd ${tree} && borg create ${place}/borg::again .`,
  },
  {
    name: 'casync',
    programs: ['casync'],
    rounds: 1,
    capture: (tree, place) =>
      `casync make --store=${place}/casync.castr ${place}/casync-first.caidx ${tree} > /dev/null`,
    again: (tree, place) => `casync make --store=${place}/casync.castr ${place}/casync-again.caidx ${tree} > /dev/null`,
  },
];

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
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

export function placeFor(base: string, name: string): string {
  const place = join(base, name.replaceAll(/[^a-z]+/g, '-'));
  mkdirSync(place, { recursive: true });
  return place;
}
