import { MemoryError } from './errors.js';
import type { MemoryItem, MemoryScope } from './types.js';

const scopeKeys = ['userId', 'agentId', 'appId', 'runId'] as const;
const longestIdChars = 256;
// Wildcards, spaces, controls, path and query characters: an id that needs them could mean something else to a source.
const allowedId = /^[\p{L}\p{N}._@:+~=|-]+$/u;

/**
 * A fresh, frozen scope out of what a caller gave. Everything that is not a plain id is refused: `*`, an empty string,
 * blanks, objects, arrays, operators.
 *
 * @throws MemoryError with code `invalid_scope`
 */
export function scopeOf(given: unknown): Readonly<MemoryScope> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid('A memory call needs a scope object such as { userId: "u-1" }.');
  }
  const scope: MemoryScope = {};
  for (const key of scopeKeys) {
    // Own properties only: a polluted prototype must not supply somebody's id.
    if (!Object.hasOwn(given, key)) continue;
    const value = (given as Record<string, unknown>)[key];
    if (value === undefined) continue;
    scope[key] = idOf(key, value);
  }
  if (Object.keys(scope).length === 0) {
    throw invalid(
      'A memory call needs a userId, or one of agentId, appId and runId. Pass the id of the signed-in user.',
    );
  }
  return Object.freeze(scope);
}

function idOf(key: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(`${key} must be a string, not ${kindOf(value)}.`);
  const id = value.normalize('NFC');
  if (id.length === 0) throw invalid(`${key} is empty. Pass the id of the signed-in user.`);
  if (id.length > longestIdChars)
    throw invalid(`${key} is longer than ${longestIdChars} characters. Pass a shorter id.`);
  if (!allowedId.test(id)) {
    throw invalid(`${key} may hold letters, digits and . _ @ : + ~ = | - only. Wildcards and blanks are refused.`);
  }
  return id;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function invalid(message: string): MemoryError {
  return new MemoryError('invalid_scope', message);
}

/**
 * True when the row provably belongs to the scope. A row that does not say whose it is, is nobody's; and a scope
 * without a user never owns a user's row.
 */
export function owns(scope: MemoryScope, row: MemoryItem): boolean {
  if (row.userId !== scope.userId) return false;
  if (scope.agentId !== undefined && row.agentId !== scope.agentId) return false;
  if (scope.appId !== undefined && row.appId !== scope.appId) return false;
  return scope.runId === undefined || row.runId === scope.runId;
}

/** One string per scope; ids cannot hold the separator, so two scopes never share one. */
export function scopeKey(scope: MemoryScope): string {
  return scopeKeys.map((key) => scope[key] ?? '').join('/');
}

/**
 * Metadata filters of a caller, copied. Names of ids and logical operators are refused at the top, and values can only
 * be scalars, so nothing is nested.
 *
 * @throws MemoryError with code `invalid_option`
 */
export function filtersOf(given: unknown): Readonly<Record<string, string | number | boolean>> | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new MemoryError('invalid_option', 'filters must be an object of metadata names and plain values.');
  }
  const filters: Record<string, string | number | boolean> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z][\w-]{0,63}$/.test(name) || reservedFilters.has(name.toLowerCase())) {
      throw new MemoryError(
        'invalid_option',
        `filters.${name.slice(0, 64)} is refused: pass ids as userId, agentId, appId or runId, and no operators.`,
      );
    }
    if (!['string', 'number', 'boolean'].includes(typeof value) || value === '*') {
      throw new MemoryError(
        'invalid_option',
        `filters.${name} must be a plain string, number or boolean; "*" is refused.`,
      );
    }
    filters[name] = value as string | number | boolean;
  }
  return Object.freeze(filters);
}

const reservedFilters = new Set([
  'and',
  'or',
  'not',
  'user_id',
  'agent_id',
  'app_id',
  'run_id',
  'session_id',
  'userid',
  'agentid',
  'appid',
  'runid',
  'sessionid',
  'org_id',
  'project_id',
  'memory_ids',
  'constructor',
  'prototype',
]);
