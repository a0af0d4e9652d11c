import type { LocalHost } from '@pilotlight/local';
import { Pilotlight, type Runtime } from '@pilotlight/sdk';
import type { Sandbox } from 'e2b';
import { unlimited } from '../support/pools.js';
import { type BenchRow, row } from '../support/report.js';
import { percentile, round } from '../support/statistics.js';

/** A figure with what it should be; `pass` and a measured value come when it was measured. */
export type Wanted = Pick<BenchRow, 'name' | 'unit' | 'op' | 'target'>;

export interface Measured {
  readonly value: number;
  readonly baseline?: string;
}

/** Some rows that are measured together, on sandboxes of their own. */
export interface Group {
  readonly name: string;
  readonly wanted: readonly Wanted[];
  /** Why it cannot be measured on this machine; undefined when it can. */
  readonly missing?: () => string | undefined;
  /** Values by the name of their row. */
  readonly measure: (host: LocalHost, rounds: number) => Promise<Record<string, Measured>>;
}

/** Measures a group. What cannot be measured stays in as a row that does not pass and says why. */
export async function rowsOf(group: Group, host: LocalHost, rounds: number): Promise<BenchRow[]> {
  const missing = group.missing?.();
  if (missing !== undefined) return group.wanted.map((wanted) => row({ ...wanted, measured: null, why: missing }));
  try {
    const values = await group.measure(host, rounds);
    return group.wanted.map((wanted) => {
      const { value, baseline } = values[wanted.name] ?? { value: Number.NaN };
      const given = baseline === undefined ? {} : { baseline };
      return Number.isFinite(value)
        ? row({ ...wanted, ...given, measured: round(value) })
        : row({ ...wanted, ...given, measured: null, why: 'no claim was answered in the way this row is about' });
    });
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error);
    return group.wanted.map((wanted) => row({ ...wanted, measured: null, why }));
  }
}

/** Rows for the 50th, 95th and 99th percentile of one figure. */
export function percentileRows(name: string, targetsMs: readonly [number, number, number]): Wanted[] {
  return ([50, 95, 99] as const).map((share, index) => ({
    name: `${name}, p${share}`,
    unit: 'ms',
    op: '<=',
    target: targetsMs[index] ?? 0,
  }));
}

export function percentileValues(name: string, durationsMs: readonly number[]): Record<string, Measured> {
  return Object.fromEntries(
    [50, 95, 99].map((share) => [
      `${name}, p${share}`,
      { value: percentile(durationsMs, share / 100), baseline: `n = ${durationsMs.length}` },
    ]),
  );
}

export function client(host: LocalHost, ...runtimes: Runtime[]): Pilotlight {
  return new Pilotlight({ ...host.connectionOptions, runtimes, warming: { budget: unlimited } });
}

/** Where a port inside a sandbox is reached on the local host, which has no names for sandboxes. */
export function portOf(
  host: LocalHost,
  sandbox: Sandbox,
  port: number,
): { url: string; headers: Record<string, string> } {
  return { url: host.sandboxUrl, headers: { 'e2b-sandbox-id': sandbox.sandboxId, 'e2b-sandbox-port': String(port) } };
}
