import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names a process so that another one can tell whether it still runs. */
export interface ProcessMark {
  pid: number;
  /** Start of the process in clock ticks, so that a reused pid is not taken for the old one. Empty where unknown. */
  startedAt: string;
  /** Machine and pid namespace; marks of another place say nothing about life. */
  place: string;
}

export function ownProcessMark(): ProcessMark {
  return { pid: process.pid, startedAt: startOf(process.pid) ?? '', place: place() };
}

/** `unknown` when the mark was made on another machine or in another pid namespace. */
export function lifeOf(mark: ProcessMark): 'alive' | 'dead' | 'unknown' {
  if (mark.place !== place()) return 'unknown';
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'dead' : 'alive';
  }
  const startedAt = startOf(mark.pid);
  return startedAt !== undefined && mark.startedAt !== '' && startedAt !== mark.startedAt ? 'dead' : 'alive';
}

export function encodeMark(mark: ProcessMark): string {
  return JSON.stringify(mark);
}

/** Undefined when the text was cut by a crash. */
export function decodeMark(text: string): ProcessMark | undefined {
  try {
    const mark = JSON.parse(text) as Partial<ProcessMark>;
    if (typeof mark.pid !== 'number' || typeof mark.place !== 'string') return undefined;
    return { pid: mark.pid, startedAt: String(mark.startedAt ?? ''), place: mark.place };
  } catch {
    return undefined;
  }
}

let knownPlace: string | undefined;

function place(): string {
  knownPlace ??= `${hostname()} ${bootId()} ${pidNamespace()}`;
  return knownPlace;
}

function bootId(): string {
  return quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '';
}

function pidNamespace(): string {
  return quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '';
}

function startOf(pid: number): string | undefined {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function quietly<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
