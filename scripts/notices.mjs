// Keeps the licences of the libraries that a build has taken in, as dist/THIRD-PARTY.txt of each package.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root } from './packages.mjs';

/** Names of the libraries that the source maps of a build name. */
function builtInto(folder) {
  const maps = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.map'));
  const sources = maps.flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).sources);
  const names = sources.map((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

function licenceOf(name) {
  const folder = join(root, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (!file) throw new Error(`${name} is built in and has no licence file. Leave it external in tsup.config.ts.`);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

for (const { folder, path } of packages) {
  const dist = join(path, 'dist');
  const names = builtInto(dist);
  if (names.length === 0) continue;
  writeFileSync(join(dist, 'THIRD-PARTY.txt'), names.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`));
  console.log(`${folder}: licences of ${names.join(', ')}`);
}
