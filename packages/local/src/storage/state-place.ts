import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const trialDirectories = 8;
/** A healthy file system makes a directory in well under a tenth of a millisecond. */
const quickMs = 1;

/** Where a host that was told nothing may put its directory. */
export function defaultPlaces(): string[] {
  return [...new Set([tmpdir(), ...(process.platform === 'linux' ? ['/var/tmp'] : [])])];
}

/**
 * The system's temporary directory, unless making directories is slow there and quick in the other place: on a large,
 * old file system that differs by a factor of fifty from one directory to the next, and a sandbox begins with some.
 */
export function defaultStateDirectory(places: readonly string[] = defaultPlaces()): string {
  let best: { place: string; takesMs: number } | undefined;
  for (const place of places) {
    const takesMs = trialMs(place);
    if (takesMs !== undefined && takesMs <= quickMs) {
      return place;
    }
    if (takesMs !== undefined && (!best || takesMs < best.takesMs)) {
      best = { place, takesMs };
    }
  }
  return best?.place ?? tmpdir();
}

/** How long some directories take, or undefined where none can be made. */
function trialMs(place: string): number | undefined {
  try {
    const trial = mkdtempSync(join(place, 'pilotlight-trial-'));
    const startedAtMs = performance.now();
    for (let index = 0; index < trialDirectories; index += 1) {
      mkdirSync(join(trial, String(index)));
    }
    const takesMs = performance.now() - startedAtMs;
    rmSync(trial, { recursive: true });
    return takesMs;
  } catch {
    return undefined;
  }
}
