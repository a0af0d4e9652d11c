import type { FaultGate } from './fault-gate.js';
import { FaultOptionsError } from './fault-options.js';

export const faultsPath = '/_pilotlight/faults';

export interface FaultAnswer {
  status: number;
  /** Undefined for an answer without a body. */
  body: unknown;
}

/**
 * The admin API of faults on demand: `GET` reports rules with their counts, `POST` adds rules and replaces ceilings and
 * latency, `DELETE` clears all or, with an id behind the path, one rule.
 */
export function answerFaults(gate: FaultGate, method: string, path: string, body: unknown): FaultAnswer {
  const id = decodeURIComponent(path.slice(faultsPath.length + 1));
  if (method === 'GET' && !id) {
    return { status: 200, body: gate.report() };
  }
  if (method === 'POST' && !id) {
    return add(gate, body);
  }
  if (method === 'DELETE' && !id) {
    gate.clear();
    return { status: 204, body: undefined };
  }
  if (method === 'DELETE') {
    return gate.remove(id)
      ? { status: 204, body: undefined }
      : refuse(404, `There is no fault rule "${id}". List them with GET ${faultsPath}.`);
  }
  return refuse(405, `${method} is not possible here. Use GET, POST or DELETE.`);
}

function add(gate: FaultGate, body: unknown): FaultAnswer {
  try {
    return { status: 201, body: gate.add(body) };
  } catch (error) {
    if (error instanceof FaultOptionsError) {
      return refuse(400, error.message);
    }
    throw error;
  }
}

function refuse(status: number, message: string): FaultAnswer {
  return { status, body: { code: status, message } };
}
