import { isWarmingError } from '@pilotlight/warming';
import { isWarmerError } from '../errors.js';
import type { Warmer } from '../warmer.js';

const forcedExitMs = 30_000;

/** Stops in order on SIGTERM and SIGINT; a second signal stops at once. */
export function closeOnSignals(warmer: Warmer): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => process.exit(1), forcedExitMs).unref();
    warmer.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** An error that a person can act on, without the stack that helps nobody who did not write the program. */
export function explain(error: unknown): string {
  if (isWarmerError(error) || isWarmingError(error)) return error.message;
  if (error instanceof Error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') return 'The port is taken. Give another one with --port, or 0 for a free one.';
    if (code === 'EACCES') return 'This port may not be opened. Give one above 1023 with --port.';
    return error.message;
  }
  return String(error);
}

/** Runs a command's work; an error ends the process with what to do next. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(explain(error));
    process.exit(1);
  }
}
