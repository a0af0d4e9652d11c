import Table from 'cli-table3';

/** One figure beside what it should be. */
export interface BenchRow {
  name: string;
  /** Null when it could not be measured; `why` says the reason then. */
  measured: number | null;
  unit: string;
  op: '<=' | '>=' | '==';
  target: number;
  pass: boolean;
  /** What was measured beside it in the same run. */
  baseline?: string;
  why?: string;
}

/** Decides `pass`, so that no benchmark does it in its own way. A figure that was not measured does not pass. */
export function row(fields: Omit<BenchRow, 'pass'>): BenchRow {
  const { measured, op, target } = fields;
  return { ...fields, pass: measured !== null && compare(measured, op, target) };
}

/**
 * Prints the rows: a table for people, and with `--json` one JSON object as the last line of standard output.
 * A row that fails stays in; the exit code only says that the run was sound.
 */
export function report(bench: string, rows: BenchRow[], extra: Record<string, unknown> = {}): void {
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ bench, rows, ...extra })}\n`);
    return;
  }
  const table = new Table({
    head: [bench, 'measured', 'target', '', 'beside it'],
    style: { head: [], border: [] },
    wordWrap: true,
  });
  for (const { name, measured, unit, op, target, pass, baseline, why } of rows) {
    const value = measured === null ? 'not measured' : `${short(measured)} ${unit}`;
    table.push([name, value, `${op} ${short(target)} ${unit}`, pass ? 'pass' : 'FAIL', baseline ?? why ?? '']);
  }
  process.stdout.write(`${table.toString()}\n`);
}

function compare(measured: number, op: BenchRow['op'], target: number): boolean {
  switch (op) {
    case '<=':
      return measured <= target;
    case '>=':
      return measured >= target;
    case '==':
      return measured === target;
  }
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
