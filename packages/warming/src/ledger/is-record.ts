import type { SlotRecord } from './record.js';

/** Whether stored data are a record, as far as the engine would stumble over it if not. Cheap: it is on the way of every claim. */
export function isSlotRecord(value: unknown): value is SlotRecord {
  return (
    has(value, 'slotId', 'string') &&
    has(value, 'version', 'number') &&
    has(value, 'pool', 'string') &&
    has(value, 'specKey', 'string') &&
    has(value, 'dueAtMs', 'number') &&
    'state' in value &&
    has(value.state, 'name', 'string')
  );
}

function has<Name extends string>(
  value: unknown,
  name: Name,
  type: 'string' | 'number',
): value is Record<Name, unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === type;
}
