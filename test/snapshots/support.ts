import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import type { Clock } from '../../packages/snapshots/src/clock.js';

/** A new directory that is gone after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'pilotlight-snapshots-'));
  removed.push(path);
  return path;
}

const removed: string[] = [];

afterEach(() => {
  for (const path of removed.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A clock that stands still until it is moved. Sleeping moves it. */
export function fakeClock(startMs = 1_700_000_000_000): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** Text or bytes for a file, `{link}` for a symbolic link, undefined for an empty directory. */
export type Files = Record<string, string | Buffer | { link: string } | { mode: number; text: string } | undefined>;

export function writeTree(root: string, files: Files): void {
  mkdirSync(root, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    if (content === undefined) {
      mkdirSync(full, { recursive: true });
      continue;
    }
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(full, content);
    else if ('link' in content) symlinkSync(content.link, full);
    else {
      writeFileSync(full, content.text);
      chmodSync(full, content.mode);
    }
  }
}

/** Every name, mode, link and content below a directory, for exact comparison. Names are read as bytes. */
export function fingerprint(root: string): string[] {
  const lines: string[] = [];
  const visit = (path: Buffer, relative: string) => {
    const stats = lstatSync(path);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) {
      lines.push(`${relative} link ${readlinkSync(path, 'buffer').toString('latin1')}`);
    } else if (stats.isDirectory()) {
      lines.push(`${relative}/ ${mode}`);
      for (const name of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)) {
        visit(Buffer.concat([path, Buffer.from('/'), name]), `${relative}/${name.toString('latin1')}`);
      }
    } else {
      const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
      lines.push(`${relative} ${mode} ${stats.size} ${digest}`);
    }
  };
  visit(Buffer.from(root), '');
  return lines;
}
