import type { z } from 'zod';
import { ApiError } from '../sandbox/api-error.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { listQuery } from './schemas.js';

export interface Page<Item> {
  items: Item[];
  nextToken: string | undefined;
}

/** One page of the sandboxes that match, by start time; the cursor is the last one's start time and id. */
export function listPage(sandboxes: readonly Sandbox[], query: z.output<typeof listQuery>): Page<Sandbox> {
  const wanted = query.metadata === undefined ? [] : decodeMetadata(query.metadata);
  const states = query.state?.split(',').filter(Boolean);
  const startedAfterMs = query.startedAfter === undefined ? undefined : Date.parse(query.startedAfter);
  const matching = sandboxes.filter(
    (sandbox) =>
      (states === undefined || states.includes(sandbox.state)) &&
      (startedAfterMs === undefined || sandbox.startedAtMs >= startedAfterMs) &&
      (query.template === undefined ||
        [sandbox.settings.templateId, sandbox.settings.alias].includes(query.template)) &&
      wanted.every(([key, value]) => sandbox.settings.metadata[key] === value),
  );
  const direction = query.order === 'asc' ? 1 : -1;
  const position = (sandbox: Sandbox): [number, string] => [sandbox.startedAtMs, sandbox.id];
  const compare = (left: [number, string], right: [number, string]) =>
    direction * (left[0] - right[0] || (left[1] < right[1] ? -1 : left[1] > right[1] ? 1 : 0));
  const sorted = matching.sort((left, right) => compare(position(left), position(right)));
  return pageOf(sorted, query.limit, query.nextToken, position, compare);
}

export function pageOf<Item>(
  sorted: readonly Item[],
  limit: number,
  nextToken: string | undefined,
  position: (item: Item) => [number, string],
  compare: (left: [number, string], right: [number, string]) => number,
): Page<Item> {
  const after = nextToken ? decodeCursor(nextToken) : undefined;
  const rest = after ? sorted.filter((item) => compare(position(item), after) > 0) : sorted;
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, nextToken: last !== undefined && rest.length > limit ? encodeCursor(position(last)) : undefined };
}

function encodeCursor([startedAtMs, id]: [number, string]): string {
  return Buffer.from(`${startedAtMs}__${id}`).toString('base64url');
}

function decodeCursor(token: string): [number, string] {
  const match = /^(\d+)__(\w+)$/.exec(Buffer.from(token, 'base64url').toString());
  if (!match) {
    throw new ApiError(400, 'The nextToken is not one this host gave out. Start again without it.');
  }
  return [Number(match[1]), match[2] as string];
}

/** The SDK encodes each key and value, then the pairs as a form, then the form as a parameter. */
export function decodeMetadata(text: string): [string, string][] {
  try {
    return [...new URLSearchParams(text)].map(([key, value]) => [decodeURIComponent(key), decodeURIComponent(value)]);
  } catch {
    throw new ApiError(400, 'The metadata filter is not encoded as a query string of encoded keys and values.');
  }
}
