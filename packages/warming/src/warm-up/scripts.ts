import type { ReadyProbe } from '../runtime.js';
import type { WarmUpNode } from './nodes.js';
import { quote, quotePath, stateFolder } from './shell.js';

/** Exit codes of our own scripts, apart from those of usual commands. */
export const exitCodes = { notReady: 75, incomplete: 76 } as const;

const state = `"$HOME"/${stateFolder}`;
const pollSeconds = 0.05;

/** Runs a step and, if it succeeded, remembers it. The step may exit as it likes: it has a shell of its own. */
export function commandScript(node: Extract<WarmUpNode, { kind: 'command' | 'server' }>): string {
  return `(\n${inFolder(node.cwd)}${node.run}\n) && mkdir -p ${state} && echo ${quote(markOf(node))} >> ${state}/steps`;
}

/** Remembers steps that something else has done. */
export function providedScript(nodes: readonly WarmUpNode[]): string {
  const lines = nodes.map(
    (node) => `echo ${quote(markOf(node))} >> ${state}/${node.kind === 'files' ? 'files' : 'steps'}`,
  );
  return [`mkdir -p ${state}`, ...lines].join(' && ');
}

/** Starts a server and remembers its process by number, start time and boot, which no other process shares. */
export function serverScript(node: Extract<WarmUpNode, { kind: 'command' | 'server' }>): string {
  return [
    `mkdir -p ${state}`,
    `echo ${quote(markOf(node))} $$ "$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)" "$(cat /proc/sys/kernel/random/boot_id)" >> ${state}/servers`,
    `${inFolder(node.cwd)}exec bash -c ${quote(node.run)}`,
  ].join('\n');
}

/** Files that record in the sandbox that its files were written. */
export function filesMark(node: Extract<WarmUpNode, { kind: 'files' }>): { path: string; content: string } {
  return { path: `${stateFolder}/files`, content: `${markOf(node)}\n` };
}

/** Polls the probe inside the sandbox, so that a poll costs no round trip. */
export function probeScript(probe: ReadyProbe | undefined): string {
  if (!probe) return 'exit 0';
  const timeoutMs = probe.timeoutMs ?? defaultProbeTimeoutMs;
  return [
    `now() { echo $(( \${EPOCHREALTIME//[!0-9]/} / 1000 )); }`,
    `end=$(( $(now) + ${timeoutMs} ))`,
    'while :; do',
    `  output=$( (\n${checkOf(probe)}\n) 2>&1 ) && exit 0`,
    `  [ "$(now)" -ge "$end" ] && { printf %s "$output" | tail -c 2000; exit ${exitCodes.notReady}; }`,
    `  sleep ${pollSeconds}`,
    'done',
  ].join('\n');
}

export const defaultProbeTimeoutMs = 30_000;

/** Prints the nodes that a sandbox lacks and fails; if it lacks none, probes. */
export function verifyScript(nodes: readonly WarmUpNode[], probe: ReadyProbe | undefined): string {
  const checks = nodes.map((node) => {
    const holds =
      node.kind === 'server'
        ? `alive ${quote(markOf(node))}`
        : `grep -qxF -- ${quote(markOf(node))} ${state}/${node.kind === 'files' ? 'files' : 'steps'} 2>/dev/null`;
    return `${holds} || missing="$missing ${node.name}"`;
  });
  return [
    'missing=',
    'alive() {',
    '  while read -r name hash pid start boot; do',
    '    [ "$name $hash" = "$1" ] && [ "$(sed "s/.*) //" "/proc/$pid/stat" 2>/dev/null | cut -d" " -f20)" = "$start" ] &&',
    '      [ "$(cat /proc/sys/kernel/random/boot_id)" = "$boot" ] && return 0',
    `  done 2>/dev/null < ${state}/servers`,
    '  return 1',
    '}',
    ...checks,
    `[ -z "$missing" ] || { echo $missing; exit ${exitCodes.incomplete}; }`,
    probeScript(probe),
  ].join('\n');
}

function markOf(node: WarmUpNode): string {
  return `${node.name} ${node.hash}`;
}

function inFolder(cwd: string | undefined): string {
  return cwd === undefined ? '' : `cd -- ${quotePath(cwd)} || exit\n`;
}

function checkOf(probe: ReadyProbe): string {
  if ('port' in probe) return `exec 3<>/dev/tcp/127.0.0.1/${probe.port}`;
  if ('file' in probe) return `[ -e ${quotePath(probe.file)} ] || { echo ${quote(`no file ${probe.file}`)}; false; }`;
  if ('command' in probe) return probe.command;
  const url = quote(probe.url);
  return `if command -v curl >/dev/null; then curl -fsS -o /dev/null --max-time 2 ${url}; else wget -q -T 2 -O /dev/null ${url}; fi`;
}
