import type { Sandbox } from 'e2b';
import { commandTools } from './commands.js';
import {
  argumentsOf,
  definitionOf,
  memoryTools,
  sandboxTools,
  type ToolDefinition,
  type ToolName,
} from './definitions.js';
import { fileTools } from './files.js';
import { type MemoryOfTools, memoryToolsOf } from './memory.js';

/** What the tools use of a sandbox; any E2B `Sandbox` has it. */
export type SandboxOfTools = Pick<Sandbox, 'commands' | 'files'>;

/** Options of the agent tools. */
export interface ToolOptions {
  /**
   * The sandbox, or its promise: it is awaited when a tool is called, so the model's first token never waits for it.
   * @default no sandbox tools
   */
  sandbox?: SandboxOfTools | Promise<SandboxOfTools>;
  /** A `Memory` of `@pilotlight/memory`. @default no memory tools */
  memory?: MemoryOfTools;
  /** Whose memory it is. Required with {@link memory}; never an argument of a tool. */
  userId?: string;
  /** Only these tools. @default all that sandbox and memory allow */
  only?: readonly ToolName[];
  /** Longest text a tool returns, in characters; longer ones lose their middle. @default 30_000 */
  longestOutputChars?: number;
  /** A command that prints more than this is stopped, in characters. @default 5_000_000 */
  mostOutputChars?: number;
}

/** What a tool answers. Failures are answers too: a model can do something about them. */
export type ToolAnswer = Record<string, unknown>;

/** Tools bound to one sandbox and one user. */
export interface Toolbox {
  readonly definitions: readonly ToolDefinition[];
  /** Never rejects: what goes wrong is in the answer's `error`. */
  call(name: string, given: unknown, signal?: AbortSignal): Promise<ToolAnswer>;
}

/** What each tool is given beside its arguments. */
export interface ToolContext {
  readonly signal: AbortSignal | undefined;
  readonly longestOutputChars: number;
  readonly mostOutputChars: number;
}

type Tool = (given: unknown, context: ToolContext) => Promise<ToolAnswer>;

/**
 * The sandbox and its memory as tools, whatever the model service.
 *
 * @throws TypeError when a memory is given without a userId
 */
export function toolbox(options: ToolOptions): Toolbox {
  const { sandbox, memory, userId, only } = options;
  if (memory !== undefined && (typeof userId !== 'string' || userId === '')) {
    throw new TypeError('Tools with a memory need a userId. Pass the id of the signed-in user.');
  }
  const promise = sandbox === undefined ? undefined : Promise.resolve(sandbox);
  // A sandbox that fails before the first tool is called is told to the model then.
  promise?.catch(() => undefined);
  const tools: Partial<Record<ToolName, Tool>> = {
    ...(promise === undefined ? {} : bind(sandboxTools, { ...commandTools(promise), ...fileTools(promise) })),
    ...(memory === undefined ? {} : bind(memoryTools, memoryToolsOf(memory, userId ?? ''))),
  };
  const names = (Object.keys(tools) as ToolName[]).filter((name) => only === undefined || only.includes(name));
  const limits = {
    longestOutputChars: options.longestOutputChars ?? 30_000,
    mostOutputChars: options.mostOutputChars ?? 5_000_000,
  };
  return {
    definitions: names.map(definitionOf),
    async call(name, given, signal) {
      const tool = names.includes(name as ToolName) ? tools[name as ToolName] : undefined;
      if (tool === undefined)
        return { error: 'unknown_tool', message: `There is no tool of this name. Use one of: ${names.join(', ')}.` };
      try {
        return await tool(given, { signal, ...limits });
      } catch (failure) {
        return {
          error: errorName(failure),
          message: failure instanceof Error ? failure.message.slice(0, 2_000) : 'failed',
        };
      }
    },
  };
}

function bind<Name extends ToolName>(
  names: readonly Name[],
  tools: { [Each in Name]: (value: never, context: ToolContext) => Promise<ToolAnswer> },
): Record<Name, Tool> {
  return Object.fromEntries(
    names.map((name): [Name, Tool] => [
      name,
      async (given, context) => {
        const checked = argumentsOf(name, given);
        if (!checked.success) return { error: 'invalid_arguments', message: checked.message };
        return tools[name](checked.value as never, context);
      },
    ]),
  ) as Record<Name, Tool>;
}

function errorName(failure: unknown): string {
  const code = (failure as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string') return code;
  const name = failure instanceof Error ? failure.name : 'Error';
  if (name === 'AbortError') return 'cancelled';
  return /notfound/i.test(name) ? 'not_found' : /timeout/i.test(name) ? 'timeout' : 'failed';
}
