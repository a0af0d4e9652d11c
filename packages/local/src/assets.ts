import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of `assets/`, which stands beside the source and beside the build alike. */
export function readAsset(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const up of ['..', '../..', '../../..']) {
    const path = join(here, up, 'assets', name);
    try {
      accessSync(path, constants.R_OK);
      return readFileSync(path, 'utf8');
    } catch {
      // Next place.
    }
  }
  throw new Error(`assets/${name} is missing from this installation. Install @pilotlight/local again.`);
}
