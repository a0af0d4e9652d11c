import { isLocalHostError, startLocalHost } from '@pilotlight/local';
import { type ConnectionOptions, isWarmingError } from '@pilotlight/sdk';

/**
 * Runs an example on E2B when `E2B_API_KEY` is set, and on this machine when it is not.
 *
 * Ctrl-C aborts `signal`, so that the example ends what it began; a second Ctrl-C ends the process at once. An error that
 * says what to do next is shown without its stack.
 */
export async function example(
  run: (connection: ConnectionOptions, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
  }
  try {
    const host = process.env.E2B_API_KEY ? undefined : await startLocalHost();
    console.log(
      host ? `No E2B_API_KEY: sandboxes run on this machine, isolation: ${host.isolation}.` : 'Sandboxes run on E2B.',
    );
    try {
      await run(host?.connectionOptions ?? {}, stop.signal);
      // Some libraries end quietly when they are aborted.
      stop.signal.throwIfAborted();
    } finally {
      await host?.close();
    }
  } catch (error) {
    if (stop.signal.aborted) {
      console.error('Stopped; nothing is left running.');
      process.exitCode = 130;
    } else if (isWarmingError(error) || isLocalHostError(error)) {
      console.error(`${error.code}: ${error.message}\nSee docs/errors.md#${error.code}`);
      process.exitCode = 1;
    } else if (error instanceof TypeError && error.message === 'fetch failed') {
      // What the `e2b` package throws by itself when there is no network.
      console.error(
        `provider_unreachable: nobody answers (${String(error.cause)}).\nSee docs/errors.md#provider_unreachable`,
      );
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}
