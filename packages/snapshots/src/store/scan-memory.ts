import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestOf } from '../digest.js';
import type { StoreLayout } from './layout.js';
import type { ScannedDirectory, ScannedEntry } from './scan.js';

/** What is remembered of a directory that was captured or restored, to capture it again without reading it. */
export interface RememberedScan {
  root: ScannedDirectory;
  /** Sweeps that the store had seen; after another one, digests have to be looked up again. */
  generation: number;
  /** Segments that the store had; when one is gone without a sweep, it was lost or damaged. */
  segments: Digest[];
  /** Scans under other scrubbing rules see other files. */
  rules: string;
}

const format = 2;
const kept = 8;

/** Scans by path: the last few in memory, all of them on disk. Losing one costs a read of the files, nothing else. */
export class ScanMemory {
  readonly #layout: StoreLayout;
  readonly #recent = new Map<string, RememberedScan>();
  readonly #unsaved = new Set<string>();

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  recall(path: string, rules: string): RememberedScan | undefined {
    const scan = this.#recent.get(path) ?? this.#load(path);
    return scan?.rules === rules ? scan : undefined;
  }

  remember(path: string, scan: RememberedScan): void {
    this.#recent.delete(path);
    this.#recent.set(path, scan);
    this.#unsaved.add(path);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > kept && oldest !== undefined) {
      this.#save(oldest);
      this.#recent.delete(oldest);
    }
  }

  /** Writes what is not on disk yet. */
  save(): void {
    for (const path of this.#unsaved) this.#save(path);
  }

  #save(path: string): void {
    if (!this.#unsaved.delete(path)) return;
    const scan = this.#recent.get(path);
    if (!scan) return;
    const temporary = join(this.#layout.temporary, `${process.pid}-${digestOf(path)}.scan`);
    try {
      writeFileSync(temporary, JSON.stringify({ format, path, ...scan }));
      renameSync(temporary, this.#file(path));
    } catch (error) {
      rmSync(temporary, { force: true });
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  #load(path: string): RememberedScan | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file(path), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const saved = parseScan(text);
    if (saved?.format !== format || saved.path !== path) return undefined;
    reviveNames(saved.root);
    const { root, generation, segments, rules } = saved;
    const scan = { root, generation, segments, rules };
    this.#recent.set(path, scan);
    return scan;
  }

  #file(path: string): string {
    return join(this.#layout.scans, `${digestOf(path)}.json`);
  }
}

function parseScan(text: string): (RememberedScan & { format: number; path: string }) | undefined {
  try {
    return JSON.parse(text) as RememberedScan & { format: number; path: string };
  } catch {
    return undefined;
  }
}

function reviveNames(directory: ScannedDirectory): void {
  for (const entry of directory.entries as ScannedEntry[]) {
    if (typeof entry.name !== 'string') entry.name = Buffer.from(entry.name);
    if (entry.kind === 'link' && typeof entry.target !== 'string') entry.target = Buffer.from(entry.target);
    if (entry.kind === 'directory') reviveNames(entry);
  }
}
