import type { Digest } from '../digest.js';
import type { PackMeta } from '../packs/pack-format.js';
import { quote } from '../workspace/sandbox.js';

/** Where layers lie in a sandbox when a pack is bundled in its template. Owned by the user of the sandbox. */
export const defaultBundleDirectory = '/home/user/.pilotlight';

/** A layer unpacked, alone; its mark is written last, after its digest was verified. */
export function layerDirectory(bundle: string, digest: Digest): string {
  return `${bundle}/layers/${digest}`;
}

export function layerMark(bundle: string, digest: Digest): string {
  return `${bundle}/layers/${digest}.verified`;
}

/** Name of a layer's image file on a volume: one file for each layer, never a tree. */
export function volumeFile(digest: Digest): string {
  return `${digest}.tar.gz`;
}

/** Exit code of {@link linkScript} when layers are missing; their digests are on standard output, one a line. */
export const missingLayersExit = 92;
/** Exit code when something else lies where a layer belongs. */
export const occupiedExit = 93;

/**
 * Looks whether every layer is there and verified, and then puts each in its place. The cost is one command, whatever the
 * size: a layer whose place is free is a link.
 */
export function linkScript(meta: PackMeta, bundle: string): string {
  const look = meta.layers.map(
    ({ digest }) => `[ -f ${quote(layerMark(bundle, digest))} ] || { echo ${digest}; missing=1; }`,
  );
  return [
    `missing=0`,
    ...look,
    `[ "$missing" = 0 ] || exit ${missingLayersExit}`,
    placeFunction,
    ...meta.layers.map(({ digest, target }) => {
      const source = `${layerDirectory(bundle, digest)}/${target}`;
      return `place ${quote(source)} ${quote(`/${target}`)} || exit ${occupiedExit}`;
    }),
  ].join('\n');
}

/**
 * `place <source> <target>`: a link where nothing is or where an empty directory is; inside a directory, each of its
 * entries the same way; anything else that is in the way is left alone and is an error.
 */
const placeFunction = [
  `place() {`,
  `  if [ -L "$2" ] && [ "$(readlink "$2" 2>/dev/null)" = "$1" ]; then return 0; fi`,
  `  if [ ! -e "$2" ] && [ ! -L "$2" ]; then mkdir -p "\${2%/*}" && ln -s "$1" "$2"; return; fi`,
  `  if [ -d "$1" ] && [ -d "$2" ]; then`,
  `    if [ ! -L "$2" ] && rmdir "$2" 2>/dev/null; then ln -s "$1" "$2"; return; fi`,
  `    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do`,
  `      if [ -e "$entry" ] || [ -L "$entry" ]; then ( place "$entry" "$2/\${entry##*/}" ) || return 1; fi`,
  `    done`,
  `    return 0`,
  `  fi`,
  `  echo "$2 is in the way" >&2; return 1`,
  `}`,
].join('\n');

/**
 * Unpacks one layer from a file on the sandbox's own disk and marks it. The file is hashed first; where there is no
 * `sha256sum`, only a file that this machine has just sent is taken.
 */
export function unpackScript(options: {
  bundle: string;
  digest: Digest;
  fileDigest: Digest;
  file: string;
  origin: 'sent' | 'found';
}): string {
  const { bundle, digest, fileDigest, file, origin } = options;
  const directory = layerDirectory(bundle, digest);
  return [
    `set -e`,
    `if command -v sha256sum >/dev/null 2>&1; then`,
    `  sum=$(sha256sum < ${quote(file)}); [ "\${sum%% *}" = ${fileDigest} ] || { echo ${quote(file)} has another digest >&2; exit ${wrongDigestExit}; }`,
    origin === 'found' ? `else echo 'sha256sum is missing' >&2; exit ${wrongDigestExit}; fi` : 'fi',
    `rm -rf ${quote(directory)} ${quote(`${directory}.partial`)}`,
    `mkdir -p ${quote(`${directory}.partial`)}`,
    `tar -xzpmof ${quote(file)} -C ${quote(`${directory}.partial`)}`,
    `mv ${quote(`${directory}.partial`)} ${quote(directory)}`,
    `: > ${quote(layerMark(bundle, digest))}`,
  ].join('\n');
}

/** Exit code when a layer's file is not the one it should be. */
export const wrongDigestExit = 94;
