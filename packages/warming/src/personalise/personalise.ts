import type { ParsedRequest } from '../claim/request.js';
import type { Fleet } from '../pool/fleet.js';
import type { ProviderSandbox } from '../provider.js';
import { type ArrivingMemory, atMost } from './arriving-memory.js';

/** How long a claim that warms waits at its end for memories and their file: little beside the warming. */
const warmingMemoryWaitMs = 250;

/**
 * Environment of the claimant's commands, as of now: memories that arrive after the hand-over are there for later
 * commands. What the claimant names itself wins over what the memory brings.
 */
export function environmentOf(request: ParsedRequest): () => Readonly<Record<string, string>> {
  const { memory } = request;
  const own = { ...request.env, ...request.secrets };
  return () => (memory?.known ? { ...memory.known.env, ...own } : own);
}

/**
 * Before a hot hand-over: the claimant's files are written, and memories on their way are given a moment. Their file
 * follows the hand-over, so that it costs a hot claim no request.
 *
 * @throws `ProviderError` when a file of the claimant cannot be written
 */
export async function personaliseHot(fleet: Fleet, sandbox: ProviderSandbox, request: ParsedRequest): Promise<void> {
  const { files, memory } = request;
  await Promise.all([
    files.length > 0 ? sandbox.writeFiles(files) : undefined,
    memory?.within(fleet.clock, fleet.settings.memoryWaitMs),
  ]);
  if (memory) void writeMemory(fleet, sandbox, memory);
}

/**
 * At the end of a warm-up: the claimant's files are written, and memories with their file too unless they take too long.
 *
 * @throws `ProviderError` when a file of the claimant cannot be written
 */
export async function personaliseWarming(
  fleet: Fleet,
  sandbox: ProviderSandbox,
  request: ParsedRequest,
): Promise<void> {
  const { files, memory } = request;
  await Promise.all([
    files.length > 0 ? sandbox.writeFiles(files) : undefined,
    memory && atMost(fleet.clock, warmingMemoryWaitMs, writeMemory(fleet, sandbox, memory)),
  ]);
}

/** Fails open: what goes wrong is an event, and a sandbox without memories is worth more than none. */
async function writeMemory(fleet: Fleet, sandbox: ProviderSandbox, memory: ArrivingMemory): Promise<void> {
  try {
    await memory.arrival;
    const failure = memory.takeFailure();
    if (failure) throw failure;
    const files = memory.known?.files ?? [];
    if (files.length > 0) await sandbox.writeFiles(files);
  } catch (error) {
    fleet.emit('background-error', { runtime: undefined, error: error as Error });
  }
}
