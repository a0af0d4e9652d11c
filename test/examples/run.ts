import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A folder of its own for everything an example writes outside of its sandboxes, so that what it leaves can be seen. */
export class Surroundings {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pilotlight-example-'));

  constructor() {
    // What was compiled once is not compiled again for each example: it would be most of the time a test takes.
    const compiled = `tsx-${process.geteuid?.() ?? 0}`;
    mkdirSync(join(tmpdir(), compiled), { recursive: true });
    symlinkSync(join(tmpdir(), compiled), join(this.#folder, compiled));
  }

  /** Starts an example as a person would, without a key unless one is given. */
  start(name: string, environment: Record<string, string> = {}) {
    return execa('node', ['examples/run.mjs', name], {
      cwd: root,
      env: {
        E2B_API_KEY: '',
        PILOTLIGHT_TEST: undefined,
        ...environment,
        TMPDIR: this.#folder,
        XDG_RUNTIME_DIR: this.#folder,
      },
      reject: false,
      timeout: 110_000,
    });
  }

  leftovers(): string[] {
    return readdirSync(this.#folder).filter((name) => !name.startsWith('tsx-') && name !== 'node-compile-cache');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
