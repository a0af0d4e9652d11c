import { Memory } from '../memory.js';
import { type MemoryOptions, settle } from '../options.js';
import { embeddedStore } from './embedded-store.js';
import { systemClock, systemRandomness } from './system-clock.js';

/**
 * Memories of an application's users. Without options they live in this process; with `path`, in one file; with
 * `source`, wherever mem0 keeps them.
 *
 * @example
 * const memory = createMemory({ path: './memory.jsonl' });
 * await memory.add('I prefer metric units', { userId: 'u-1' });
 * const context = await memory.context({ userId: 'u-1', tokenBudget: 800 });
 * @throws MemoryError with code `invalid_option`
 */
export function createMemory(options: MemoryOptions = {}): Memory {
  const settled = settle(options);
  const clock = settled.clock ?? systemClock;
  const randomness = settled.randomness ?? systemRandomness;
  const path = settled.path === undefined ? {} : { path: settled.path };
  const source = settled.source ?? embeddedStore({ ...path, clock, randomness });
  return new Memory({ source, clock, randomness, options: settled });
}
