import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { WarmingError } from '../errors.js';

/** One claim of a trace. */
export interface Arrival {
  /** Seconds since the start of the trace. */
  seconds: number;
  key: string;
}

/**
 * Reads a trace, plain or gzip: a header line, then `t_seconds,key,duration_seconds`, sorted by time.
 *
 * @throws WarmingError `invalid_option` naming the line that is not usable or out of order, or the file that cannot be read
 */
export async function* readTrace(file: string): AsyncGenerator<Arrival> {
  let number = 0;
  let latest = -Infinity;
  for await (const line of linesOf(file)) {
    number++;
    if (number === 1 || line === '') continue;
    const arrival = parseLine(line, `${file}:${number}`);
    if (arrival.seconds < latest) {
      throw unusable(`${file}:${number}`, `time ${arrival.seconds} comes after ${latest}`, 'Sort the trace by time.');
    }
    latest = arrival.seconds;
    yield arrival;
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: open(file), crlfDelay: Infinity });
  } catch (error) {
    throw unusable(file, (error as Error).message, 'Give a CSV file, plain or gzip, that can be read.');
  }
}

function open(file: string): Readable {
  const bytes = createReadStream(file);
  return file.endsWith('.gz') ? pipeline(bytes, createGunzip(), () => {}) : bytes;
}

function parseLine(line: string, where: string): Arrival {
  const comma = line.indexOf(',');
  const end = line.indexOf(',', comma + 1);
  const key = comma < 0 ? '' : line.slice(comma + 1, end < 0 ? undefined : end);
  const seconds = comma > 0 ? Number(line.slice(0, comma)) : Number.NaN;
  if (!Number.isFinite(seconds) || seconds < 0 || key === '') {
    throw unusable(where, `cannot read ${JSON.stringify(line.slice(0, 80))}`, 'Give t_seconds,key[,duration_seconds].');
  }
  return { seconds, key };
}

function unusable(where: string, what: string, next: string): WarmingError {
  return new WarmingError('invalid_option', `${where}: ${what}. ${next}`);
}
