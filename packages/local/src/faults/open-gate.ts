import { LocalHostError } from '../errors.js';
import type { SandboxRegistry } from '../sandbox/registry.js';
import { FaultGate } from './fault-gate.js';
import { type FaultOptions, FaultOptionsError, type LatencyInput } from './fault-options.js';
import { systemGateClock } from './system-gate-clock.js';

/** The gate of a host, with what its options ask for from the start. @throws LocalHostError `invalid_option` */
export function openGate(
  registry: SandboxRegistry,
  options: { faults?: FaultOptions | undefined; latency?: LatencyInput | undefined },
): FaultGate {
  const subjects = {
    isPaused: (id: string) => registry.find(id)?.state === 'paused',
    runningCount: () => registry.list().filter((sandbox) => sandbox.state === 'running').length,
    kill: async (id: string) => {
      if (registry.find(id)) {
        await registry.kill(id);
      }
    },
  };
  const gate = new FaultGate(subjects, systemGateClock);
  try {
    gate.add({ ...options.faults, ...(options.latency === undefined ? {} : { latency: options.latency }) });
  } catch (error) {
    if (error instanceof FaultOptionsError) {
      throw new LocalHostError('invalid_option', error.message, { cause: error });
    }
    throw error;
  }
  return gate;
}
