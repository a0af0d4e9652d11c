import { owns } from './scope.js';
import type { MemorySource } from './source.js';
import type { MemoryScope } from './types.js';

const pageSize = 200;

/**
 * Removes everything the scope owns. A source's own bulk delete knows only the ids it is given: asked for an agent, it
 * would also take the rows of that agent's users. So a scope without a user goes row by row.
 */
export async function deleteOwn(
  source: MemorySource,
  scope: Readonly<MemoryScope>,
  signal: AbortSignal,
): Promise<void> {
  if (scope.userId !== undefined) return source.deleteAll({ scope, signal });
  const own: string[] = [];
  for (let page = 1; ; page += 1) {
    const { results, more } = await source.list({ scope, signal, page, pageSize });
    own.push(...results.filter((row) => owns(scope, row)).map((row) => row.id));
    if (!more) break;
    signal.throwIfAborted();
  }
  for (const id of own) {
    await source.delete(id, { scope, signal });
    signal.throwIfAborted();
  }
}
