import type { MemoryHistoryEntry, MemoryItem, MemoryMessage, MemoryScope } from '../types.js';

type Fields = Record<string, unknown>;

/**
 * A row of any mem0 dialect as ours: snake or camel case, `run_id` or `session_id`, the text at the top or under
 * `data`. Undefined when it has no id or no text. Reads leniently, and only the fields we use.
 */
export function rowOf(value: unknown): MemoryItem | undefined {
  if (!isFields(value)) return undefined;
  const id = textOf(value.id) ?? (typeof value.id === 'number' ? String(value.id) : undefined);
  const memory =
    textOf(value.memory) ?? (isFields(value.data) ? textOf(value.data.memory) : undefined) ?? textOf(value.text);
  if (id === undefined || memory === undefined) return undefined;
  const row: MemoryItem = { id, memory };
  const texts = {
    userId: ownerOf(value.userId, value.user_id),
    agentId: ownerOf(value.agentId, value.agent_id),
    appId: ownerOf(value.appId, value.app_id),
    runId: ownerOf(value.runId, value.run_id, value.sessionId, value.session_id),
    createdAt: timeOf(value.createdAt ?? value.created_at),
    updatedAt: timeOf(value.updatedAt ?? value.updated_at),
    expirationDate: timeOf(value.expirationDate ?? value.expiration_date)?.slice(0, 10),
  };
  for (const [name, text] of Object.entries(texts)) if (text !== undefined) row[name as keyof typeof texts] = text;
  if (typeof value.score === 'number' && Number.isFinite(value.score)) row.score = value.score;
  if (isFields(value.metadata) && Object.keys(value.metadata).length > 0) row.metadata = value.metadata;
  if (Array.isArray(value.categories)) row.categories = value.categories.filter((entry) => typeof entry === 'string');
  return row;
}

/** The rows of an answer: an array, or an object with `results` or `memories`. Undefined when it is neither. */
export function rowsOf(answer: unknown): MemoryItem[] | undefined {
  const list = Array.isArray(answer) ? answer : isFields(answer) ? (answer.results ?? answer.memories) : undefined;
  if (!Array.isArray(list)) return undefined;
  return list.map(rowOf).filter((row) => row !== undefined);
}

/** The changes of one memory, oldest first, in any dialect. */
export function changesOf(answer: unknown): MemoryHistoryEntry[] | undefined {
  const list = Array.isArray(answer) ? answer : isFields(answer) ? answer.results : undefined;
  if (!Array.isArray(list)) return undefined;
  const changes: MemoryHistoryEntry[] = [];
  for (const value of list) {
    if (!isFields(value)) continue;
    const event = String(value.event ?? value.action ?? '').toUpperCase();
    const memoryId = textOf(value.memoryId) ?? textOf(value.memory_id);
    if (memoryId === undefined || (event !== 'ADD' && event !== 'UPDATE' && event !== 'DELETE')) continue;
    const oldMemory = textOf(value.oldMemory ?? value.old_memory ?? value.previous_value);
    const newMemory = textOf(value.newMemory ?? value.new_memory ?? value.new_value);
    const userId = ownerOf(value.userId, value.user_id);
    const at = timeOf(value.updatedAt ?? value.updated_at ?? value.createdAt ?? value.created_at);
    changes.push({
      memoryId,
      event,
      ...(oldMemory === undefined ? {} : { oldMemory }),
      ...(newMemory === undefined ? {} : { newMemory }),
      ...(userId === undefined ? {} : { userId }),
      ...(at === undefined ? {} : { at }),
    });
  }
  return changes.sort((left, right) =>
    (left.at ?? '') < (right.at ?? '') ? -1 : (left.at ?? '') > (right.at ?? '') ? 1 : 0,
  );
}

/** A scope as mem0 writes it in filters and queries. A fresh object for every call: mem0's clients write into it. */
export function snakeScope(scope: Readonly<MemoryScope>): Record<string, string> {
  return {
    ...(scope.userId === undefined ? {} : { user_id: scope.userId }),
    ...(scope.agentId === undefined ? {} : { agent_id: scope.agentId }),
    ...(scope.appId === undefined ? {} : { app_id: scope.appId }),
    ...(scope.runId === undefined ? {} : { run_id: scope.runId }),
  };
}

/** What mem0 takes as a conversation; it skips or refuses system messages. */
export function spoken(messages: readonly MemoryMessage[]): { role: 'user' | 'assistant'; content: string }[] {
  return messages.flatMap(({ role, content }) => (role === 'system' ? [] : [{ role, content }]));
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

// Two spellings that disagree make an owner that equals no id.
function ownerOf(...spellings: unknown[]): string | undefined {
  const given = new Set(spellings.filter((value) => value !== undefined && value !== null && value !== ''));
  if (given.size > 1) return '(contradictory)';
  const [owner] = given;
  return owner === undefined ? undefined : typeof owner === 'string' ? owner.normalize('NFC') : '(not text)';
}

function timeOf(value: unknown): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  return textOf(value);
}
