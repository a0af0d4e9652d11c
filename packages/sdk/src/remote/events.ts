import type { WarmingEvents } from '@pilotlight/warming';
import type { WireEvent } from '@pilotlight/warming/wire';
import type { EventEmitter } from 'eventemitter3';
import { fromWireError } from './errors.js';

type Emit = <Name extends EventEmitter.EventNames<WarmingEvents>>(
  name: Name,
  ...event: EventEmitter.EventArgs<WarmingEvents, Name>
) => void;

/** An event of the service as the embedded manager's event of the same name. What only a service has is left out. */
export function emitWireEvent(event: WireEvent, emit: Emit): void {
  switch (event.type) {
    case 'claim-progress': {
      const { claimId, runtime, progress, phase, step, eta, elapsedMs, outcome } = event;
      emit(event.type, {
        claimId,
        runtime,
        progress,
        phase,
        eta,
        elapsedMs,
        ...(step === undefined ? {} : { step }),
        ...(outcome === undefined ? {} : { outcome }),
      });
      return;
    }
    case 'claim-ready': {
      const { claimId, runtime, source, latencyMs, sandboxId } = event;
      emit(event.type, { claimId, runtime, source, latencyMs, sandboxId });
      return;
    }
    case 'claim-missed':
      emit(event.type, { claimId: event.claimId, runtime: event.runtime, reason: event.reason });
      return;
    case 'claim-failed':
      emit(event.type, { claimId: event.claimId, runtime: event.runtime, error: fromWireError(event.error) });
      return;
    case 'claim-retired':
      emit(event.type, { claimId: event.claimId, runtime: event.runtime, sandboxId: event.sandboxId });
      return;
    case 'pool-changed': {
      const { runtime, target, hot, parked, warming, claimed } = event;
      emit(event.type, { runtime, target, hot, parked, warming, claimed });
      return;
    }
    case 'slot-retired':
      emit(event.type, { runtime: event.runtime, sandboxId: event.sandboxId, reason: event.reason });
      return;
    case 'background-error':
      emit(event.type, { runtime: event.runtime, error: fromWireError(event.error) });
      return;
    case 'slo-burning':
    case 'slo-recovered':
    case 'stream-reset':
    case 'service-draining':
      return;
  }
}
