import type { ParsedRequest } from '../claim/request.js';
import { sleep } from '../clock.js';
import type { Fleet } from '../pool/fleet.js';
import type { ProviderSandbox } from '../provider.js';

/** Environment of the claimant's commands. What the claimant names itself wins over what the memory brings. */
export function environmentOf(request: ParsedRequest): Readonly<Record<string, string>> {
  return { ...request.memory?.env, ...request.env, ...request.secrets };
}

/** Whether anything has to be written into the sandbox, so that a claim without files costs no request. */
export function hasFiles(request: ParsedRequest): boolean {
  return request.files.length > 0 || (request.memory?.files.length ?? 0) > 0;
}

/**
 * Writes the claimant's files, and the memory's. The claimant's must be there at hand-over; the memory's fail open: they
 * are waited for a moment, and their failure is an event.
 *
 * @throws `ProviderError` when a file of the claimant cannot be written
 */
export async function personalise(fleet: Fleet, sandbox: ProviderSandbox, request: ParsedRequest): Promise<void> {
  const own = request.files.length > 0 ? sandbox.writeFiles(request.files) : undefined;
  const memory = request.memory && request.memory.files.length > 0 ? writeMemory(fleet, sandbox, request) : undefined;
  await Promise.all([own, memory]);
}

async function writeMemory(fleet: Fleet, sandbox: ProviderSandbox, request: ParsedRequest): Promise<void> {
  const stop = new AbortController();
  const written = sandbox
    .writeFiles(request.memory?.files ?? [])
    .catch((error: Error) => fleet.emit('background-error', { runtime: undefined, error }))
    .finally(() => stop.abort());
  await Promise.race([written, sleep(fleet.clock, fleet.settings.memoryWaitMs, stop.signal).catch(() => undefined)]);
}
