import { MemoryError } from '../errors.js';
import type { MemorySource } from '../source.js';
import { type Mem0ClientLike, mem0Object } from './mem0-object.js';

export interface Mem0OssOptions {
  /** Configuration of mem0's `Memory`: embedder, vectorStore, llm, historyStore. */
  config?: Record<string, unknown>;
  /** A `Memory` of `mem0ai/oss` made by the application, in place of {@link config}. */
  memory?: Mem0ClientLike;
  /** Lets mem0 send its usage statistics. It reads `MEM0_TELEMETRY` once, when it is loaded. @default false */
  telemetry?: boolean;
}

/**
 * mem0's own engine in this process. `mem0ai/oss` is loaded at the first call, with its telemetry off.
 *
 * @throws MemoryError with code `invalid_option`
 */
export function mem0Oss(options: Mem0OssOptions): MemorySource {
  const { config, memory, telemetry = false } = options;
  if ((config === undefined) === (memory === undefined)) {
    throw new MemoryError('invalid_option', 'mem0Oss needs either config or memory.');
  }
  return mem0Object({
    name: 'mem0-oss',
    paging: 'top',
    appIds: false,
    open: () => memory ?? load(config ?? {}, telemetry),
  });
}

async function load(config: Record<string, unknown>, telemetry: boolean): Promise<Mem0ClientLike> {
  if (!telemetry) process.env.MEM0_TELEMETRY = 'false';
  // A specifier in a variable keeps bundlers and type checkers from asking for a package an application may not have.
  const specifier = 'mem0ai/oss';
  const loaded = (await import(specifier).catch((cause: unknown) => {
    throw new MemoryError(
      'missing_peer',
      'mem0ai/oss cannot be loaded. Install mem0ai and better-sqlite3 beside @pilotlight/memory.',
      { cause },
    );
  })) as { Memory: new (config: Record<string, unknown>) => Mem0ClientLike };
  return new loaded.Memory(config);
}
