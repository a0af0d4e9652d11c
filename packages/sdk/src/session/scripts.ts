import { type PlanStep, quote } from './plan.js';

/** Where the sandbox remembers what is already true, relative to the home directory. */
export const stateFolder = '.pilotlight/session';

const state = `"$HOME"/${stateFolder}`;
const pollSeconds = '0.05';
/** Says that a server did not come up, apart from exit codes of usual commands. */
export const notReadyExit = 75;
/** Carries a secret into the script that writes it, so that it is in no command line. */
export const secretVariable = 'PILOTLIGHT_SECRET';

type Server = Extract<PlanStep, { kind: 'server' }>;
type Secret = Extract<PlanStep, { kind: 'secret-file' }>;
type Command = Extract<PlanStep, { kind: 'command' }>;

/**
 * Prints what is already true, one `name hash` a line: the marks of steps, and those of servers only while their process
 * is the one that was started and their port listens. Shell built-ins only, so that it costs one round trip and little else.
 */
export function inspectScript(): string {
  return [
    `cd ${state}/marks 2>/dev/null || exit 0`,
    'shopt -s nullglob',
    'for file in *; do',
    '  { read -r hash pid started port; } < "$file" 2>/dev/null',
    '  if [ -n "$pid" ]; then',
    '    { read -r line < /proc/$pid/stat; } 2>/dev/null || continue',
    '    line=${line##*) }; set -- $line',
    '    [ "${20}" = "$started" ] && [ "$1" != Z ] || continue',
    '    if [ "$port" != - ]; then (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null || continue; fi',
    '  fi',
    '  printf "%s %s\\n" "$file" "$hash"',
    'done',
  ].join('\n');
}

/** What {@link inspectScript} printed. */
export function marksIn(output: string): Map<string, string> {
  return new Map(
    output.split('\n').flatMap((line): [string, string][] => {
      const [file, hash] = line.split(' ');
      return file && hash ? [[file, hash]] : [];
    }),
  );
}

/** Name of a step's mark: a file name whatever the step is called. */
export function markOf(name: string): string {
  return name.replace(/[^\w-]/g, '.');
}

/** Path of a step's mark, relative to the home directory. */
export function markPath(step: PlanStep): string {
  return `${stateFolder}/marks/${markOf(step.name)}`;
}

/** Runs a step and, if it succeeded, remembers it. The step has a shell of its own. */
export function commandScript(step: Command): string {
  const mark = `"$HOME"/${markPath(step)}`;
  return [
    `mkdir -p ${state}/marks && rm -f ${mark}`,
    `(\n${inFolder(step.cwd)}${step.run}\n) && echo ${step.hash} > ${mark}`,
  ].join('\n');
}

/**
 * Ends the server of an earlier start, starts it anew in a session of its own, and waits until it listens: polled every
 * 50 ms here, so that waiting costs no round trips. Prints the end of its log when it does not come up.
 */
export function serverScript(step: Server): string {
  const file = markOf(step.name);
  const mark = `${state}/marks/${file}`;
  const log = `${state}/${file}.log`;
  const polls = Math.ceil(step.readyTimeoutMs / 50);
  const listening = step.port === undefined ? 'true' : `(exec 3<>/dev/tcp/127.0.0.1/${step.port}) 2>/dev/null`;
  const start = `echo $$ > ${state}/${file}.pid; ${inFolder(step.cwd)}exec bash -c ${quote(step.run)}`;
  return [
    `mkdir -p ${state}/marks`,
    startedAt,
    stopLines(mark),
    `rm -f ${mark} ${state}/${file}.pid`,
    `setsid bash -c ${quote(start)} > ${log} 2>&1 < /dev/null &`,
    `for (( poll = 0; poll < ${polls}; poll++ )); do`,
    `  if read -r pid 2>/dev/null < ${state}/${file}.pid; then`,
    '    kill -0 "$pid" 2>/dev/null || break',
    `    if ${listening}; then`,
    `      echo "${step.hash} $pid $(started_at "$pid") ${step.port ?? '-'}" > ${mark}`,
    '      exit 0',
    '    fi',
    '  fi',
    `  sleep ${pollSeconds}`,
    'done',
    `tail -c 2000 ${log} >&2`,
    'kill -KILL -- "-$pid" 2>/dev/null',
    `exit ${notReadyExit}`,
  ].join('\n');
}

/** Writes a secret that comes in the variable {@link secretVariable}, readable by its user only, and remembers it. */
export function secretScript(step: Secret): string {
  const path = quote(step.path);
  return [
    `cd && umask 077 && mkdir -p ${state}/marks "$(dirname -- ${path})"`,
    `printf %s "$${secretVariable}" > ${path}.new && mv -f -- ${path}.new ${path} && echo ${step.hash} > "$HOME"/${markPath(step)}`,
  ].join('\n');
}

/** Ends a server that is no longer wanted. */
export function stopScript(step: Server): string {
  const mark = `"$HOME"/${markPath(step)}`;
  return [startedAt, stopLines(mark), `rm -f ${mark}`].join('\n');
}

/** Removes secrets that are files, and the marks that say they are there. */
export function scrubScript(steps: readonly PlanStep[]): string | undefined {
  const secrets = steps.filter((step) => step.kind === 'secret-file');
  if (secrets.length === 0) return undefined;
  const paths = secrets.flatMap((step) => [step.path, markPath(step)]);
  return `cd && rm -f -- ${paths.map(quote).join(' ')}`;
}

const startedAt =
  'started_at() { local line; { read -r line < "/proc/$1/stat"; } 2>/dev/null || return; line=${line##*) }; set -- $line; echo "${20}"; }';

function stopLines(mark: string): string {
  return [
    `if read -r _ old since _ 2>/dev/null < ${mark} && [ "$(started_at "$old")" = "$since" ]; then`,
    `  kill -TERM -- "-$old" 2>/dev/null`,
    `  for _ in {1..60}; do kill -0 -- "-$old" 2>/dev/null || break; sleep ${pollSeconds}; done`,
    `  kill -KILL -- "-$old" 2>/dev/null`,
    'fi',
  ].join('\n');
}

function inFolder(cwd: string | undefined): string {
  return cwd === undefined ? 'cd; ' : `cd; cd ${quote(cwd)} || exit 1; `;
}
