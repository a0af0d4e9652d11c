/** What a request to the control plane asks for. `resume` is a connect to a sandbox that is paused. */
export const controlOperations = [
  'create',
  'connect',
  'resume',
  'fork',
  'pause',
  'kill',
  'info',
  'list',
  'timeout',
  'network',
  'metrics',
  'snapshot',
  'template',
  'volume',
  'other',
] as const;

export type ControlOperation = (typeof controlOperations)[number];

const sandboxActions: Readonly<Record<string, ControlOperation>> = {
  connect: 'connect',
  resume: 'resume',
  fork: 'fork',
  pause: 'pause',
  timeout: 'timeout',
  refreshes: 'timeout',
  network: 'network',
  metrics: 'metrics',
  snapshots: 'snapshot',
};

export interface NamedOperation {
  operation: ControlOperation;
  sandboxId?: string | undefined;
}

/** Names what a method and a path mean. Both generations of paths, `/v2/...` and those without, mean the same. */
export function operationOf(method: string, path: string): NamedOperation {
  const [family = '', id, action] = path
    .replace(/^\/v\d+(?=\/)/, '')
    .split('/')
    .slice(1);
  switch (family) {
    case 'sandboxes':
      return sandboxOperation(method, id, action);
    case 'snapshots':
      return { operation: 'snapshot' };
    case 'templates':
      return { operation: 'template' };
    case 'volumes':
    case 'volumecontent':
      return { operation: 'volume' };
    default:
      return { operation: 'other' };
  }
}

function sandboxOperation(method: string, id: string | undefined, action: string | undefined): NamedOperation {
  if (!id) {
    return { operation: method === 'POST' ? 'create' : 'list' };
  }
  if (action) {
    return { operation: sandboxActions[action] ?? 'other', sandboxId: id };
  }
  return { operation: method === 'DELETE' ? 'kill' : 'info', sandboxId: id };
}

/** Operations that bring a sandbox to run which did not run before. */
export function startsSandbox(operation: ControlOperation): boolean {
  return operation === 'create' || operation === 'fork' || operation === 'resume';
}
