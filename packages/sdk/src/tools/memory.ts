import type { Memory } from '@pilotlight/memory';
import type { ToolArguments } from './definitions.js';
import type { ToolAnswer, ToolContext } from './toolbox.js';

/** What the tools use of a memory; `Memory` of `@pilotlight/memory` has it. */
export type MemoryOfTools = Pick<Memory, 'add' | 'search'>;

const mostRecalled = 8;

/** `remember` and `recall` of one user. */
export function memoryToolsOf(memory: MemoryOfTools, userId: string) {
  return {
    async remember({ fact }: ToolArguments<'remember'>, { signal }: ToolContext): Promise<ToolAnswer> {
      // The model has worded the fact already; a second extraction would make it late and could lose it.
      const { results } = await memory.add(fact, { userId, infer: false, ...(signal === undefined ? {} : { signal }) });
      return { remembered: results.map((item) => item.memory) };
    },

    async recall({ query }: ToolArguments<'recall'>, { signal }: ToolContext): Promise<ToolAnswer> {
      const { results } = await memory.search(query, {
        userId,
        topK: mostRecalled,
        ...(signal === undefined ? {} : { signal }),
      });
      return {
        memories: results.map(({ memory: text, updatedAt, createdAt }) => ({
          memory: text,
          date: (updatedAt ?? createdAt ?? '').slice(0, 10),
        })),
      };
    },
  };
}
