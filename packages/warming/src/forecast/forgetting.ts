import type { KeyState } from './key.js';

/** More runtimes than this are not remembered; the state of so many takes about two gigabytes of memory. */
const MOST_RUNTIMES = 120_000;
/** Forgotten are so many at once, because looking for those takes a look at all. */
const FORGOTTEN_AT_ONCE = 20_000;

/** Runtimes to forget because there are too many: those that were not claimed for longest. Mostly none. */
export function longestUnclaimed(
  keys: ReadonlyMap<string, KeyState>,
  isKept: (key: KeyState) => boolean,
  most = MOST_RUNTIMES,
  atOnce = FORGOTTEN_AT_ONCE,
): KeyState[] {
  if (keys.size <= most) return [];
  const others = [...keys.values()].filter((key) => !isKept(key));
  return others.sort((a, b) => a.rates.atSeconds - b.rates.atSeconds).slice(0, atOnce);
}
