import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Arrival, readTrace } from '@pilotlight/warming/replay';

/** Reference frontiers of one trace and lead, see the README beside the traces. */
export interface Reference {
  arrivals: number;
  idleOfFixed10: number;
  fixed: number[];
  published: number[];
  learned: number[];
  seedRule: number;
}

export interface TraceFile {
  name: string;
  path: string;
}

export interface TraceFolder {
  files: TraceFile[];
  budgets: number[];
  reference(name: string, leadSeconds: number): Reference | undefined;
}

/** Traces in `PILOTLIGHT_TRACES`, default `../shared/traces`; undefined when there are none. */
export function traceFolder(only: string | undefined): TraceFolder | undefined {
  const folder = resolve(process.env.PILOTLIGHT_TRACES ?? '../shared/traces');
  const baselines = join(folder, 'baselines.json');
  if (!existsSync(baselines)) return undefined;
  const known = JSON.parse(readFileSync(baselines, 'utf8')) as {
    budgets: number[];
    traces: Record<string, Record<string, Reference>>;
  };
  const wanted = only?.split(',');
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.csv.gz'))
    .map((file) => ({ name: file.split('.')[0]!, path: join(folder, file) }))
    .filter((file) => !wanted || wanted.includes(file.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { files, budgets: known.budgets, reference: (name, lead) => known.traces[name]?.[String(lead)] };
}

export async function arrivalsOf(file: TraceFile): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  for await (const arrival of readTrace(file.path)) arrivals.push(arrival);
  return arrivals;
}
