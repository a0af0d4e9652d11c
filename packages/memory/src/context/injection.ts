import { MemoryError } from '../errors.js';
import type { ContextItem, MemoryContext } from './context.js';

/** A context in the two forms a sandbox takes: environment variables and files. Data only; nothing is run. */
export interface ContextInjection {
  env: Record<string, string>;
  files: { path: string; content: string }[];
}

export interface InjectionOptions {
  /** Most bytes of `MEM0_CONTEXT`; whole memories are left out beyond it. At most 120 000. @default 16_384 */
  envBytes?: number;
  /** Absolute path in the sandbox of the file with all memories. @default '/home/user/.pilotlight/memory.json' */
  path?: string;
}

// Linux refuses one variable of 128 KiB and then every command of the sandbox fails, so the cap stays below it.
const mostEnvBytes = 120_000;
const safePath = /^\/(?:[\w.@+-]+\/)*[\w.@+-]+$/;

/**
 * The context as `MEM0_CONTEXT` (compact JSON, capped) and a JSON file with all of it, named by `MEM0_CONTEXT_FILE`.
 * Give it to a claim: `claim(runtime, { memory: injectionOf(context) })`.
 *
 * @throws MemoryError with code `invalid_option`
 */
export function injectionOf(context: MemoryContext, options: InjectionOptions = {}): ContextInjection {
  const envBytes = options.envBytes ?? 16_384;
  const path = options.path ?? '/home/user/.pilotlight/memory.json';
  if (!Number.isInteger(envBytes) || envBytes < 256 || envBytes > mostEnvBytes) {
    throw new MemoryError(
      'invalid_option',
      `envBytes must be a whole number from 256 to ${mostEnvBytes} (given: ${envBytes}).`,
    );
  }
  if (!safePath.test(path) || path.split('/').includes('..')) {
    throw new MemoryError('invalid_option', 'path must be an absolute path of plain names, without "..".');
  }
  const document = (items: readonly ContextItem[]) =>
    JSON.stringify({
      version: 1,
      status: context.status,
      ...(context.asOfMs === undefined ? {} : { asOf: new Date(context.asOfMs).toISOString() }),
      memories: items,
      omitted: context.omitted + context.items.length - items.length,
    });
  return {
    env: { MEM0_CONTEXT: largestThatFits(context.items, envBytes, document), MEM0_CONTEXT_FILE: path },
    files: [{ path, content: `${document(context.items)}\n` }],
  };
}

function largestThatFits(
  items: readonly ContextItem[],
  bytes: number,
  document: (items: readonly ContextItem[]) => string,
): string {
  const all = document(items);
  if (Buffer.byteLength(all, 'utf8') <= bytes) return all;
  let fits = 0;
  let tooMany = items.length;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (Buffer.byteLength(document(items.slice(0, middle)), 'utf8') <= bytes) fits = middle;
    else tooMany = middle;
  }
  return document(items.slice(0, fits));
}
