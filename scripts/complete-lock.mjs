// Adds to package-lock.json the optional binaries of other platforms that npm left out.
//
// `npm install` drops an optional package that the registry at hand does not have, and `npm ci` then refuses the lock
// file. Every such package belongs to a platform, and its name says which one; npm skips it anywhere else.
import { readFileSync, writeFileSync } from 'node:fs';
import { root } from './packages.mjs';

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = [
  'arm64',
  'armeabi',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'x64',
  'wasm32',
];

function platformOf(name) {
  const words = name.split(/[/-]/);
  const system = systems.find((candidate) => words.includes(candidate));
  const processor = processors.find((candidate) => words.includes(candidate));
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined;
  if (!system && processor !== 'wasm32') return undefined;
  return {
    ...(system ? { os: [system] } : {}),
    cpu: [processor ?? 'x64'],
    ...(system === 'linux' && libc ? { libc: [libc] } : {}),
  };
}

const path = `${root}package-lock.json`;
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${place ? `${place}/` : ''}node_modules/${name}`;
    const hoisted = `node_modules/${name}`;
    const held = [nested, hoisted].some((candidate) => lock.packages[candidate]?.version === version);
    const platform = platformOf(name);
    if (held || !platform || !/^\d/.test(version)) continue;
    const target = lock.packages[hoisted] ? nested : hoisted;
    lock.packages[target] = { version, ...platform, ...(entry.dev ? { dev: true } : {}), optional: true };
    added.push(`${name}@${version}`);
  }
}
if (added.length > 0) {
  const [rootEntry, ...others] = Object.entries(lock.packages);
  others.sort(([first], [second]) => (first < second ? -1 : 1));
  lock.packages = Object.fromEntries([rootEntry, ...others]);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(added.length > 0 ? `added ${added.length}: ${added.join(', ')}` : 'package-lock.json is complete');
