import { shelf } from '../ledger/record.js';
import type { Runtime } from '../runtime.js';
import { specKeyOf } from '../spec-key.js';
import { type WarmUpNode, warmUpNodes } from '../warm-up/nodes.js';

/** A runtime with what follows from it. */
export interface PoolSpec {
  /** Name of the pool: the runtime's, or that of a generic one. */
  readonly pool: string;
  readonly runtime: Runtime;
  readonly specKey: string;
  readonly nodes: readonly WarmUpNode[];
  /** Where its hot slots wait. */
  readonly hotShelf: string;
}

export function poolSpecOf(runtime: Runtime, pool: string = runtime.name): PoolSpec {
  const specKey = specKeyOf(runtime);
  return { pool, runtime, specKey, nodes: warmUpNodes(runtime), hotShelf: shelf('hot', pool, specKey) };
}

/** Whether its sandboxes belong to no runtime yet. */
export function isGeneric(spec: PoolSpec): boolean {
  return spec.pool !== spec.runtime.name;
}
