/** What went wrong when a local host is started or used as a library. */
export type LocalHostErrorCode =
  | 'invalid_option'
  | 'port_in_use'
  | 'isolation_unavailable'
  | 'state_unusable'
  | 'closed';

const marker = Symbol.for('pilotlight.LocalHostError');

/**
 * Base of every error thrown by `@pilotlight/local`. The message ends with what to do next; `cause` keeps the original.
 * Errors of a sandbox are not thrown here: they go over the wire, in E2B's own form.
 */
export class LocalHostError extends Error {
  override readonly name: string = 'LocalHostError';
  readonly code: LocalHostErrorCode;
  readonly [marker] = true;

  constructor(code: LocalHostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for every {@link LocalHostError}, also one made by another copy of this package. */
export function isLocalHostError(value: unknown): value is LocalHostError {
  return typeof value === 'object' && value !== null && (value as { [marker]?: unknown })[marker] === true;
}
