import { type FrontierPoint, lowerHull } from './frontier.js';

/** One line of a plot. */
export interface FrontierSeries {
  name: string;
  points: readonly FrontierPoint[];
}

const WIDTH = 760;
const HEIGHT = 440;
const MARGIN = { left: 64, right: 170, top: 40, bottom: 56 };
const COLOURS = ['#0b6e4f', '#c44536', '#28536b', '#8d6a9f', '#c98b1f', '#5b5f63'];

/** Frontiers as a self-contained SVG: idle seconds per claim across (logarithmic), hit rate upwards. */
export function frontierSvg(title: string, series: readonly FrontierSeries[]): string {
  const hulls = series.map(({ name, points }) => ({ name, hull: lowerHull(points).filter((point) => point.idle > 0) }));
  const idles = hulls.flatMap(({ hull }) => hull.map((point) => point.idle));
  const lowest = Math.floor(Math.log10(Math.max(0.1, Math.min(1, ...idles))));
  const highest = Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(1, ...idles))));
  const x = (idle: number): number =>
    MARGIN.left + ((Math.log10(idle) - lowest) / (highest - lowest)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (cold: number): number => MARGIN.top + cold * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
  ];
  for (let power = lowest; power <= highest; power++) {
    const at = x(10 ** power).toFixed(1);
    parts.push(
      `<path d="M${at} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}" stroke="#e4e4e4"/>`,
      `<text x="${at}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${10 ** power}</text>`,
    );
  }
  for (const hit of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    const at = y(1 - hit).toFixed(1);
    parts.push(
      `<path d="M${MARGIN.left} ${at}H${WIDTH - MARGIN.right}" stroke="#e4e4e4"/>`,
      `<text x="${MARGIN.left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${hit * 100} %</text>`,
    );
  }
  hulls.forEach(({ name, hull }, index) => {
    const colour = COLOURS[index % COLOURS.length]!;
    const path = hull.map((point) => `${x(point.idle).toFixed(1)},${y(point.cold).toFixed(1)}`).join(' ');
    const label = MARGIN.top + 12 + index * 20;
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<path d="M${WIDTH - MARGIN.right + 14} ${label}h18" stroke="${colour}" stroke-width="3"/>`,
      `<text x="${WIDTH - MARGIN.right + 38}" y="${label}" dominant-baseline="middle">${escaped(name)}</text>`,
    );
  });
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
  parts.push(
    `<text x="${middle}" y="${HEIGHT - 14}" text-anchor="middle">idle sandbox-seconds per claim</text>`,
    '</svg>',
  );
  return parts.join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
