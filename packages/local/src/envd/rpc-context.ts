import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { FileError, type Machine, MachineError } from '../isolation/machine.js';
import type { Sandbox } from '../sandbox/sandbox.js';

/** The sandbox a call was routed to; set for every call before its handler runs. */
export const sandboxKey = createContextKey<Sandbox | undefined>(undefined, { description: 'sandbox of the call' });

export function sandboxOf(context: HandlerContext): Sandbox {
  const sandbox = context.values.get(sandboxKey);
  if (!sandbox) {
    throw new ConnectError('the call names no sandbox', Code.Internal);
  }
  return sandbox;
}

export function machineOf(sandbox: Sandbox): Machine {
  if (sandbox.phase.kind !== 'running') {
    throw new ConnectError('the sandbox is not running', Code.Unavailable);
  }
  return sandbox.phase.machine;
}

/** The user of a call: `Authorization: Basic base64("name:")`, or the one of the sandbox's template. */
export function userOf(authorization: string | null | undefined, sandbox: Sandbox): string {
  const [scheme = '', credentials = ''] = (authorization ?? '').split(' ');
  const named = scheme.toLowerCase() === 'basic' ? Buffer.from(credentials, 'base64').toString().split(':')[0] : '';
  return named || sandbox.settings.defaults?.user || 'user';
}

/** Seconds between signs of life on a stream, as the caller wishes. */
export function keepaliveSeconds(header: string | null): number {
  const wished = Number(header);
  return Number.isInteger(wished) && wished > 0 ? wished : 90;
}

/** Failures of a machine in the words of the protocol; everything else passes through. */
export function toConnectError(error: unknown): unknown {
  if (error instanceof MachineError) {
    switch (error.code) {
      case 'user':
        return new ConnectError(error.message, Code.Unauthenticated);
      case 'cwd':
      case 'exec':
        return new ConnectError(error.message, Code.InvalidArgument);
      case 'resources':
      case 'terminal':
        return new ConnectError(error.message, Code.ResourceExhausted);
      case 'refused':
      case 'gone':
        return new ConnectError(error.message, Code.Unavailable);
    }
  }
  if (error instanceof FileError) {
    switch (error.code) {
      case 'ENOENT':
        return new ConnectError(error.message, Code.NotFound);
      case 'EEXIST':
        return new ConnectError(error.message, Code.AlreadyExists);
      case 'ENOTDIR':
      case 'EISDIR':
      case 'EINVAL':
        return new ConnectError(error.message, Code.InvalidArgument);
      case 'EACCES':
        return new ConnectError(error.message, Code.PermissionDenied);
      case 'ENOSPC':
        return new ConnectError(error.message, Code.ResourceExhausted);
      case 'user':
        return new ConnectError(error.message, Code.Unauthenticated);
      case 'other':
        return new ConnectError(error.message, Code.Internal);
    }
  }
  return error;
}

export async function translated<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw toConnectError(error);
  }
}
