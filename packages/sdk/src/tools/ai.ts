export type { ToolDefinition, ToolName } from './definitions.js';
export type { MemoryOfTools } from './memory.js';
export type { SandboxOfTools, ToolAnswer, ToolOptions } from './toolbox.js';

import { argumentsOf, type JsonSchema, type ToolName } from './definitions.js';
import { type ToolAnswer, type ToolOptions, toolbox } from './toolbox.js';

/** What is used of the module `ai`: pass the module itself. */
export interface AiModule<Schema> {
  jsonSchema(
    schema: JsonSchema,
    options: { validate(value: unknown): { success: true; value: unknown } | { success: false; error: Error } },
  ): Schema;
}

/** A tool as the AI SDK takes it. */
export interface AiTool<Schema> {
  description: string;
  inputSchema: Schema;
  execute(given: unknown, options: { abortSignal?: AbortSignal | undefined }): Promise<ToolAnswer>;
}

/**
 * The sandbox and its memory as tools for the Vercel AI SDK, from version 5 on. The module is passed in, so that the
 * application's own copy is used, with whichever zod it has.
 *
 * @example
 * import * as ai from 'ai';
 *
 * const sandbox = pilotlight.sandbox('python', { userId });
 * const result = ai.streamText({ model, messages, tools: aiTools(ai, { sandbox, memory, userId }) });
 * @throws TypeError when a memory is given without a userId
 */
export function aiTools<Schema>(ai: AiModule<Schema>, options: ToolOptions): Record<string, AiTool<Schema>> {
  const box = toolbox(options);
  const tools = box.definitions.map(({ name, description, parameters }): [ToolName, AiTool<Schema>] => [
    name,
    {
      description,
      inputSchema: ai.jsonSchema(parameters, {
        validate: (value) => {
          const checked = argumentsOf(name, value);
          return checked.success ? checked : { success: false, error: new TypeError(checked.message) };
        },
      }),
      execute: (given, { abortSignal }) => box.call(name, given, abortSignal),
    },
  ]);
  return Object.fromEntries(tools);
}
