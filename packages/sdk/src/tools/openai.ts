export type { ToolDefinition, ToolName } from './definitions.js';
export type { MemoryOfTools } from './memory.js';
export type { SandboxOfTools, ToolAnswer, ToolOptions } from './toolbox.js';

import type { JsonSchema } from './definitions.js';
import { type ToolAnswer, type ToolOptions, toolbox } from './toolbox.js';

/** A tool as the Responses API takes it. */
export interface ResponsesTool {
  type: 'function';
  name: string;
  description: string;
  parameters: JsonSchema;
  strict: true;
}

/** A tool as Chat Completions take it. */
export interface ChatTool {
  type: 'function';
  function: { name: string; description: string; parameters: JsonSchema; strict: true };
}

/** A tool that `client.chat.completions.runTools` calls by itself. */
export interface RunnableChatTool extends ChatTool {
  function: ChatTool['function'] & { parse(text: string): object; function(given: object): Promise<string> };
}

/** What {@link openaiTools} gives. */
export interface OpenAiTools {
  /** For `client.responses.create({ tools })`. */
  readonly responses: ResponsesTool[];
  /** For `client.chat.completions.create({ tools })`. */
  readonly chat: ChatTool[];
  /** For `client.chat.completions.runTools({ tools })`. */
  readonly runnable: RunnableChatTool[];
  /**
   * Carries out the function calls in a response's `output`, side by side, and gives the items to append to the next
   * `input` after them. Items that are not calls of these tools are passed over. Never rejects.
   */
  answerResponses(
    output: readonly object[],
    signal?: AbortSignal,
  ): Promise<{ type: 'function_call_output'; call_id: string; output: string }[]>;
  /** Carries out the `tool_calls` of a chat message and gives the messages to append after it. Never rejects. */
  answerChat(
    calls: readonly object[] | undefined,
    signal?: AbortSignal,
  ): Promise<{ role: 'tool'; tool_call_id: string; content: string }[]>;
}

/**
 * The sandbox and its memory as tools for OpenAI's APIs. Nothing of `openai` is imported: any version, and any server
 * that speaks its protocol, will do.
 *
 * @example
 * const tools = openaiTools({ sandbox: pilotlight.sandbox('python', { userId }), memory, userId });
 * const response = await client.responses.create({ model, input, tools: tools.responses });
 * input.push(...response.output, ...(await tools.answerResponses(response.output)));
 * @throws TypeError when a memory is given without a userId
 */
export function openaiTools(options: ToolOptions): OpenAiTools {
  const box = toolbox(options);
  const known = new Set<string>(box.definitions.map(({ name }) => name));
  const specs = box.definitions.map(({ name, description, parameters }) => ({
    name,
    description,
    parameters,
    strict: true as const,
  }));
  const answer = async (name: string, text: string, signal: AbortSignal | undefined): Promise<string> =>
    JSON.stringify(await called(name, text, (given) => box.call(name, given, signal)));
  return {
    responses: specs.map((spec) => ({ type: 'function', ...spec })),
    chat: specs.map((spec) => ({ type: 'function', function: spec })),
    runnable: specs.map((spec) => ({
      type: 'function',
      function: {
        ...spec,
        parse: parsed,
        function: async (given: object) =>
          JSON.stringify(await box.call(spec.name, 'unreadable' in given ? undefined : given)),
      },
    })),
    answerResponses: (output, signal) =>
      Promise.all(
        output.flatMap((item) => {
          const {
            type,
            name,
            call_id,
            arguments: text,
          } = item as { type?: string; name?: string; call_id?: string; arguments?: string };
          if (type !== 'function_call' || name === undefined || call_id === undefined || !known.has(name)) return [];
          return [
            answer(name, text ?? '', signal).then((result) => ({
              type: 'function_call_output' as const,
              call_id,
              output: result,
            })),
          ];
        }),
      ),
    answerChat: (calls, signal) =>
      Promise.all(
        (calls ?? []).flatMap((call) => {
          const { id, function: asked } = call as { id?: string; function?: { name?: string; arguments?: string } };
          if (id === undefined || asked?.name === undefined || !known.has(asked.name)) return [];
          return [
            answer(asked.name, asked.arguments ?? '', signal).then((content) => ({
              role: 'tool' as const,
              tool_call_id: id,
              content,
            })),
          ];
        }),
      ),
  };
}

async function called(name: string, text: string, call: (given: unknown) => Promise<ToolAnswer>): Promise<ToolAnswer> {
  const given = parsed(text);
  if (!('unreadable' in given)) return call(given);
  return { error: 'invalid_arguments', message: `The arguments of ${name} are not JSON.` };
}

/** A model can be cut off in the middle of its arguments; that is an answer to it, not a failure of ours. */
function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null ? value : { unreadable: true };
  } catch {
    return { unreadable: true };
  }
}
