import { lstatSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreCore } from './core.js';

/** Now, by the clock that stamps files: a file is made and looked at. Another clock could run ahead of it. */
export function settledTimeMs(core: Pick<StoreCore, 'layout' | 'temporaryPrefix' | 'randomName'>): number {
  const path = join(core.layout.temporary, `${core.temporaryPrefix}${core.randomName()}.now`);
  writeFileSync(path, '');
  const { ctimeMs } = lstatSync(path);
  rmSync(path, { force: true });
  return ctimeMs;
}
