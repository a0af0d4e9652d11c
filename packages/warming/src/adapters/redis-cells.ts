import { z } from 'zod';
import { WarmingError } from '../errors.js';
import { indexOf } from '../ledger/index-of.js';
import { isSlotRecord } from '../ledger/is-record.js';
import type { TakeRequest } from '../ledger/ledger.js';
import type { SlotRecord, SnapshotLink } from '../ledger/record.js';
import { claimed } from '../ledger/take.js';

/**
 * A slot is kept as what the scripts find and count it by, its record, and, once it was taken, what the claim changes of the
 * record. The scripts move records and never read or write one, so that no rule of the engine is written down there a second
 * time.
 */
export function cellOf(record: SlotRecord): { head: string; json: string } {
  const { shelf, goal, running, tenant, claimKey } = indexOf(record);
  const endsAtMs = record.state.name === 'hot' ? record.state.endsAtMs : -1;
  const head = JSON.stringify([
    record.version,
    record.pool,
    shelf ?? '',
    record.dueAtMs,
    goal ?? '',
    running ? 1 : 0,
    tenant ?? '',
    claimKey ?? '',
    record.hardEndsAtMs,
    endsAtMs,
  ]);
  return { head, json: JSON.stringify(record) };
}

type Taking = Pick<TakeRequest, 'claim' | 'leaseUntilMs' | 'owner' | 'preparing'>;

/** What a taker changes of a record. Short, for Redis writes it to its disk. */
export function takingLine({ claim, leaseUntilMs, owner, preparing }: Taking): string {
  const { claimId, key, tenant, userId, runtime, specKey, source } = claim;
  return JSON.stringify([
    claimId,
    key,
    tenant,
    userId ?? null,
    runtime,
    specKey,
    source,
    owner,
    leaseUntilMs,
    preparing,
  ]);
}

const sources = ['hot', 'affinity', 'generic', 'parked', 'linked', 'cold'] as const;
const text = z.string();
const takingShape = z.tuple([
  text,
  text,
  text,
  text.nullable(),
  text,
  text,
  z.enum(sources),
  text,
  z.number(),
  z.boolean(),
]);

/** The record of a cell: a line with the record, and one with the taking if there was one. @throws `ledger_corrupt` */
export function recordOf(cell: unknown): SlotRecord {
  const [record, taking] = String(cell).split('\n');
  const base = recordOfLine(record);
  if (taking === undefined) return base;
  const parsed = takingShape.safeParse(parse(taking));
  if (!parsed.success) throw corrupt(cell);
  const [claimId, key, tenant, userId, runtime, specKey, source, owner, leaseUntilMs, preparing] = parsed.data;
  const claim = { claimId, key, tenant, ...(userId === null ? {} : { userId }), runtime, specKey, source };
  return takenRecord(base, { claim, leaseUntilMs, owner, preparing });
}

/** The record of a slot that was just taken. @throws `ledger_corrupt` */
export function recordOfLine(line: unknown): SlotRecord {
  const value = parse(line);
  if (!isSlotRecord(value)) throw corrupt(line);
  return value;
}

export function takenRecord(base: SlotRecord, taking: Taking): SlotRecord {
  return { ...claimed(base, taking), version: base.version + 1 };
}

const linkShape = z.object({ specKey: z.string(), snapshotId: z.string(), createdAtMs: z.number() });

/** @throws `ledger_corrupt` */
export function linkOf(json: unknown): SnapshotLink {
  const parsed = linkShape.safeParse(parse(json));
  if (!parsed.success) throw corrupt(json);
  return parsed.data;
}

export function parse(json: unknown): unknown {
  try {
    return JSON.parse(String(json));
  } catch {
    throw corrupt(json);
  }
}

function corrupt(json: unknown): WarmingError {
  return new WarmingError(
    'ledger_corrupt',
    `A record in Redis makes no sense (${String(json).slice(0, 60)}…). Another program writes under the same prefix; give the fleet a name of its own.`,
  );
}
