import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, getPriority, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a figure was measured on. Names no machine and no user. */
export interface Surroundings {
  takenAt: string;
  node: string;
  e2b: string;
  kernel: string;
  processors: string;
  memoryGib: number;
  /** Processes that wanted to run at the start of the run, beside the priority of the run itself. */
  load: number;
  niceness: number;
}

export function surroundings(): Surroundings {
  const [first] = cpus();
  const manifest = JSON.parse(readFileSync(`${root}node_modules/e2b/package.json`, 'utf8')) as { version: string };
  return {
    takenAt: new Date().toISOString(),
    node: process.version,
    e2b: manifest.version,
    kernel: release(),
    processors: `${cpus().length} x ${first?.model.trim() ?? 'unknown'}`,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    niceness: getPriority(),
  };
}

/** A file of `bench/results`: parts are measured one at a time, each says when and on what. */
export interface Results<Content> {
  /** Changes with the shape, so that a reader can tell. */
  version: 1;
  parts: Record<string, Surroundings & Content>;
}

export function readResults<Content>(name: string): Results<Content> {
  const path = resultsPath(name);
  if (!existsSync(path)) return { version: 1, parts: {} };
  return JSON.parse(readFileSync(path, 'utf8')) as Results<Content>;
}

/** Writes one part of `bench/results/<name>.json` and leaves the others as they are. */
export function saveResults<Content>(name: string, part: string, content: Content): void {
  const { version, parts } = readResults<Content>(name);
  const file = { version, parts: { ...parts, [part]: { ...surroundings(), ...content } } };
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(resultsPath(name), `${JSON.stringify(file, undefined, 2)}\n`);
}

function resultsPath(name: string): string {
  return `${root}bench/results/${name}.json`;
}

/** Undefined when the markers are not there. */
export function replaceBetween(text: string, name: string, content: string): string | undefined {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) return undefined;
  return `${text.slice(0, from + start.length)}\n${content.trim()}\n${text.slice(to)}`;
}

/** A table as Prettier would write it, so that a generated one stays as it is. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
