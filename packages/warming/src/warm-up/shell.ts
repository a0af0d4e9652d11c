/** Where the state of the warm-up stands inside a sandbox, relative to the home directory. */
export const stateFolder = '.pilotlight';

/** One word of a shell command, whatever it holds. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A path as one word; a leading `~/` still means the home directory. */
export function quotePath(path: string): string {
  return path === '~' ? '"$HOME"' : path.startsWith('~/') ? `"$HOME"/${quote(path.slice(2))}` : quote(path);
}
