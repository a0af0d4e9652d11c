/** What a replay at a price came to. */
export interface Priced {
  valueSeconds: number;
  idlePerClaim: number;
  coldShare: number;
}

/**
 * Where a frontier has to be known well: the points on both sides of it no further apart in idle than `within`, as a factor.
 * Cold shares that cost more than all the idle there is a mark for are left as they are.
 */
export type Mark = { kind: 'idle'; perClaim: number; within: number } | { kind: 'cold'; share: number; within: number };

/** From hardly anything held to all that can be. */
export const COARSE_PRICES: readonly number[] = [
  4, 12, 30, 70, 150, 300, 700, 2_000, 6_000, 20_000, 100_000, 1e6, 1e7, 1e8, 1e9, 1e10, 1e12,
];
const HIGHEST = 1e12;
/** Beyond the highest price tried, the next ones go up by these. */
const UP = [10, 100, 1_000];
/** And below the lowest one by these. */
const DOWN = [0.85, 0.7, 0.5, 0.3];
const ASIDE = 1.05;

/**
 * Prices that spend the idle of the marks and a margin around them, evenly spaced in the log of idle, judged by what other
 * prices came to on a part of the trace.
 */
export function pricesOver(known: readonly Priced[], marks: readonly Mark[], count: number, margin: number): number[] {
  const points = inOrder(known);
  const highest = onIdle(marks) ? marks.filter(({ kind }) => kind === 'idle') : marks;
  const least = Math.min(...marks.map((mark) => idleOf(points, mark))) / margin;
  const most = Math.max(...highest.map((mark) => idleOf(points, mark))) * margin;
  return distinct(
    Array.from({ length: count }, (_, index) => priceOfIdle(points, least * (most / least) ** (index / (count - 1)))),
  );
}

/** Prices that are still missing around marks between which the points lie too far apart; none when all is known well. */
export function missingPrices(known: readonly Priced[], marks: readonly Mark[]): number[] {
  const points = inOrder(known);
  const first = points[0]!.valueSeconds;
  const last = points.at(-1)!.valueSeconds;
  const missing: number[] = [];
  for (const mark of marks) {
    const above = points.findIndex((point) => reaches(point, mark));
    const [low, high] = [points[above - 1], points[above]];
    if (!high) {
      if (mark.kind === 'idle' || !onIdle(marks)) missing.push(...UP.map((up) => last * up));
    } else if (!low) missing.push(...DOWN.map((down) => first * down));
    else if (high.idlePerClaim > mark.within * low.idlePerClaim) {
      const idle = idleOf(points, mark);
      missing.push(priceOfIdle(points, idle / ASIDE), priceOfIdle(points, idle * ASIDE));
    }
  }
  const tried = new Set(known.map(({ valueSeconds }) => valueSeconds));
  return distinct(missing.map((price) => Math.min(HIGHEST, price))).filter((price) => !tried.has(price));
}

function onIdle(marks: readonly Mark[]): boolean {
  return marks.some(({ kind }) => kind === 'idle');
}

/** Whether a price spends what a mark says, or leaves no more cold. */
export function reaches(point: Priced, mark: Mark): boolean {
  return mark.kind === 'idle' ? point.idlePerClaim >= mark.perClaim : point.coldShare <= mark.share;
}

function idleOf(points: readonly Priced[], mark: Mark): number {
  return mark.kind === 'idle' ? mark.perClaim : idleOfCold(points, mark.share);
}

function inOrder(known: readonly Priced[]): Priced[] {
  return [...known].sort((a, b) => a.valueSeconds - b.valueSeconds);
}

function distinct(prices: readonly number[]): number[] {
  return [...new Set(prices.map((price) => Number(price.toPrecision(4))))].sort((a, b) => a - b);
}

function priceOfIdle(points: readonly Priced[], wanted: number): number {
  const above = points.findIndex(({ idlePerClaim }) => idlePerClaim >= wanted);
  if (above === -1) return points.at(-1)!.valueSeconds;
  if (above === 0) return points[0]!.valueSeconds;
  const [low, high] = [points[above - 1]!, points[above]!];
  const share = portion(low.idlePerClaim, high.idlePerClaim, wanted);
  return low.valueSeconds * (high.valueSeconds / low.valueSeconds) ** share;
}

function idleOfCold(points: readonly Priced[], wanted: number): number {
  const above = points.findIndex(({ coldShare }) => coldShare <= wanted);
  if (above === -1) return points.at(-1)!.idlePerClaim;
  if (above === 0) return points[0]!.idlePerClaim;
  const [low, high] = [points[above - 1]!, points[above]!];
  return low.idlePerClaim + portion(low.coldShare, high.coldShare, wanted) * (high.idlePerClaim - low.idlePerClaim);
}

/** How far the log of a number is between those of two others. */
function portion(from: number, to: number, wanted: number): number {
  const least = 1e-9;
  const [low, high] = [Math.log(Math.max(from, least)), Math.log(Math.max(to, least))];
  return high === low ? 1 : Math.min(1, Math.max(0, (Math.log(Math.max(wanted, least)) - low) / (high - low)));
}
