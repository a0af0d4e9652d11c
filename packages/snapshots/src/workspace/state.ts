import { digestOf } from '../digest.js';
import { quote } from './sandbox.js';

/** Lies in `$HOME/.cache`; never part of a snapshot. */
export const stateDirectoryName = 'pilotlight';

/** Lines that set `$state` to the file that remembers what a directory was restored from. */
export function stateVariable(directory: string): string {
  const name = digestOf(directory).slice(0, 24);
  return `state="\${HOME:-/tmp}/.cache/${stateDirectoryName}/workspace-${name}"`;
}

/**
 * Prints `held <id>` when the directory is as it was restored from `<id>`, `changed <id>` when it was written to since,
 * `empty` or `full` when nothing is known of it. Without `find`, changes are not seen.
 */
export function stateScript(directory: string): string {
  return [
    stateVariable(directory),
    `id=''; if [ -f "$state" ]; then IFS= read -r id < "$state"; fi`,
    `if [ -n "$id" ] && [ -d ${quote(directory)} ]; then`,
    `  found=''; if command -v find >/dev/null 2>&1; then`,
    `    found=$(find ${quote(directory)} -cnewer "$state" -print 2>/dev/null | (IFS= read -r first && echo changed))`,
    `  fi`,
    `  if [ -n "$found" ]; then echo "changed $id"; else echo "held $id"; fi; exit 0`,
    `fi`,
    `if [ ! -e ${quote(directory)} ]; then echo empty; exit 0; fi`,
    `cd -- ${quote(directory)} || exit 1`,
    `for name in .* *; do case "$name" in .|..) continue;; esac; if [ -e "$name" ] || [ -L "$name" ]; then echo full; exit 0; fi; done`,
    `echo empty`,
  ].join('\n');
}

/** Lines that remember `id`; the last step of a restore. */
export function rememberScript(id: string): string {
  return `mkdir -p "\${state%/*}" && printf '%s\\n' ${quote(id)} > "$state"`;
}

export type WorkspaceState =
  | { kind: 'held'; id: string }
  | { kind: 'changed'; id: string }
  | { kind: 'empty' }
  | { kind: 'full' };

export function parseState(output: string): WorkspaceState {
  const [kind, id] = output.trim().split(' ');
  if ((kind === 'held' || kind === 'changed') && id) return { kind, id };
  return kind === 'empty' ? { kind: 'empty' } : { kind: 'full' };
}
