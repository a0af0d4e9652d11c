/** One replay as a point: what it cost, what it left cold. */
export interface FrontierPoint {
  /** Idle sandbox-seconds, per claim or relative; the same unit for all points of a frontier. */
  idle: number;
  /** Share of claims left cold, 0 to 1. */
  cold: number;
}

/** The points no mixture of others beats, cheapest first, from "hold nothing" on. */
export function lowerHull(points: readonly FrontierPoint[]): FrontierPoint[] {
  const sorted = [{ idle: 0, cold: 1 }, ...[...points].sort((a, b) => a.idle - b.idle || a.cold - b.cold)];
  const hull: FrontierPoint[] = [];
  for (const point of sorted) {
    while (hull.length >= 2 && turnsUp(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    hull.push(point);
  }
  let lowest = Infinity;
  return hull.filter((point) => {
    const lower = point.cold < lowest;
    if (lower) lowest = point.cold;
    return lower;
  });
}

function turnsUp(a: FrontierPoint, b: FrontierPoint, c: FrontierPoint): boolean {
  return (b.idle - a.idle) * (c.cold - a.cold) <= (b.cold - a.cold) * (c.idle - a.idle);
}

/** Cold share at an idle budget. */
export function coldAt(hull: readonly FrontierPoint[], idle: number): number {
  for (let index = 1; index < hull.length; index++) {
    const [before, after] = [hull[index - 1]!, hull[index]!];
    if (after.idle >= idle) return between(before.idle, before.cold, after.idle, after.cold, idle);
  }
  return hull.at(-1)?.cold ?? 1;
}

/** Idle needed for a cold share; undefined when the frontier does not reach it. */
export function idleFor(hull: readonly FrontierPoint[], cold: number): number | undefined {
  for (let index = 1; index < hull.length; index++) {
    const [before, after] = [hull[index - 1]!, hull[index]!];
    if (after.cold <= cold) return between(before.cold, before.idle, after.cold, after.idle, cold);
  }
  return undefined;
}

function between(x0: number, y0: number, x1: number, y1: number, x: number): number {
  return x1 === x0 ? y1 : y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}
