import { randomUUID } from 'node:crypto';
import type { ToolArguments } from './definitions.js';
import { truncated } from './output.js';
import type { SandboxOfTools, ToolAnswer, ToolContext } from './toolbox.js';

const defaultTimeoutMs = 60_000;

const interpreters = {
  python: { command: 'python3', extension: 'py' },
  javascript: { command: 'node', extension: 'mjs' },
  bash: { command: 'bash', extension: 'sh' },
} as const;

/** A sandbox of `@e2b/code-interpreter`, which keeps the state of a session between two pieces of code. */
interface CodeInterpreter {
  runCode(code: string, options: { language: string; signal?: AbortSignal }): Promise<unknown>;
}

/** `run_command` and `run_code`. */
export function commandTools(sandbox: Promise<SandboxOfTools>) {
  return {
    async run_command(given: ToolArguments<'run_command'>, context: ToolContext): Promise<ToolAnswer> {
      const timeoutMs = given.timeout_seconds === null ? defaultTimeoutMs : given.timeout_seconds * 1_000;
      return run(
        await sandbox,
        given.command,
        { timeoutMs, ...(given.cwd === null ? {} : { cwd: given.cwd }) },
        context,
      );
    },

    async run_code({ language, code }: ToolArguments<'run_code'>, context: ToolContext): Promise<ToolAnswer> {
      const box = await sandbox;
      if (isInterpreter(box)) return interpreted(box, language, code, context);
      const { command, extension } = interpreters[language];
      const path = `/tmp/code-${randomUUID()}.${extension}`;
      await box.files.write(path, code);
      try {
        return await run(box, `${command} ${path}`, { timeoutMs: defaultTimeoutMs }, context);
      } finally {
        await box.files.remove(path).catch(() => undefined);
      }
    },
  };
}

async function run(
  sandbox: SandboxOfTools,
  command: string,
  options: { timeoutMs: number; cwd?: string },
  context: ToolContext,
): Promise<ToolAnswer> {
  const { signal, longestOutputChars, mostOutputChars } = context;
  signal?.throwIfAborted();
  let printed = 0;
  let flooded = false;
  const count = (text: string) => {
    printed += text.length;
    if (printed <= mostOutputChars || flooded) return;
    flooded = true;
    handle.kill().catch(() => undefined);
  };
  const handle = await sandbox.commands.run(command, {
    ...options,
    background: true,
    onStdout: count,
    onStderr: count,
  });
  const stop = () => void handle.kill().catch(() => undefined);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const ended = await handle.wait().catch((failure: unknown) => {
      if (flooded || isExit(failure)) return failure as { exitCode?: number };
      throw failure;
    });
    signal?.throwIfAborted();
    return {
      exit_code: flooded ? null : (ended.exitCode ?? null),
      stdout: truncated(handle.stdout, longestOutputChars),
      stderr: truncated(handle.stderr, longestOutputChars),
      ...(flooded
        ? { error: 'too_much_output', message: `Stopped after ${mostOutputChars} characters of output.` }
        : {}),
    };
  } catch (failure) {
    const output = {
      stdout: truncated(handle.stdout, longestOutputChars),
      stderr: truncated(handle.stderr, longestOutputChars),
    };
    if (failure instanceof Error && /timeout/i.test(failure.name)) {
      stop();
      return {
        error: 'timeout',
        message: `The command was stopped after ${options.timeoutMs} ms.`,
        exit_code: null,
        ...output,
      };
    }
    throw failure;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function interpreted(
  box: CodeInterpreter,
  language: string,
  code: string,
  context: ToolContext,
): Promise<ToolAnswer> {
  const { signal, longestOutputChars } = context;
  const execution = (await box.runCode(code, { language, ...(signal === undefined ? {} : { signal }) })) as {
    logs?: { stdout?: string[]; stderr?: string[] };
    results?: { text?: string }[];
    error?: { name?: string; value?: string; traceback?: string };
  };
  const { error } = execution;
  return {
    stdout: truncated((execution.logs?.stdout ?? []).join(''), longestOutputChars),
    stderr: truncated((execution.logs?.stderr ?? []).join(''), longestOutputChars),
    results: (execution.results ?? []).flatMap(({ text }) =>
      text === undefined ? [] : [truncated(text, longestOutputChars)],
    ),
    ...(error === undefined
      ? {}
      : {
          error: error.name ?? 'failed',
          message: truncated(`${error.value ?? ''}\n${error.traceback ?? ''}`, longestOutputChars),
        }),
  };
}

function isInterpreter(sandbox: object): sandbox is CodeInterpreter {
  return typeof (sandbox as Partial<CodeInterpreter>).runCode === 'function';
}

/** A non-zero exit code comes as an error from E2B; here it is data. */
function isExit(failure: unknown): boolean {
  return failure instanceof Error && failure.name === 'CommandExitError';
}
