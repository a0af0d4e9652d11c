import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Folder of the built dashboard, from source and from the build alike. Undefined when it was not built. */
export function dashboardRoot(): string | undefined {
  const folder = fileURLToPath(new URL('../dist/dashboard', import.meta.url));
  return existsSync(`${folder}/index.html`) ? folder : undefined;
}
