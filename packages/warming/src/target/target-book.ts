import type { RuntimeTarget } from './target.js';

/** The targets last wanted and last told, so that a decision names only what changed. */
export class TargetBook {
  private readonly wanted = new Map<string, RuntimeTarget>();
  private readonly told = new Map<string, RuntimeTarget>();
  private readonly touched = new Set<string>();

  put(target: RuntimeTarget): void {
    this.wanted.set(target.key, target);
    this.touched.add(target.key);
  }

  drop(key: string): void {
    if (this.told.has(key)) this.put({ key, hot: 0, parked: 0, generic: false, marginalValueSeconds: 0 });
    else this.wanted.delete(key);
  }

  get(key: string): RuntimeTarget | undefined {
    return this.wanted.get(key);
  }

  /** What differs from the last time, best marginal use first; with `full` all that is above zero. */
  take(full: boolean): RuntimeTarget[] {
    const keys = full ? this.wanted.keys() : this.touched;
    const changed: RuntimeTarget[] = [];
    for (const key of keys) {
      const want = this.wanted.get(key)!;
      const told = this.told.get(key);
      const same =
        told !== undefined && told.hot === want.hot && told.parked === want.parked && told.generic === want.generic;
      if (full ? want.hot + want.parked > 0 || (told && !same) : !same) changed.push(want);
      this.told.set(key, want);
    }
    this.touched.clear();
    return changed.length > 1 ? changed.sort(byWorth) : changed;
  }
}

function byWorth(a: RuntimeTarget, b: RuntimeTarget): number {
  return b.marginalValueSeconds - a.marginalValueSeconds || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
