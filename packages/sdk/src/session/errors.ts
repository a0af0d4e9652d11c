/** What went wrong in a session, for a program. */
export type SessionErrorCode =
  | 'invalid_config'
  | 'config_failed'
  | 'credential_failed'
  | 'step_failed'
  | 'server_not_ready'
  | 'sandbox_lost'
  | 'closed';

const marker = Symbol.for('pilotlight.SessionError');

/**
 * Base of every error a session makes itself. The message ends with what to do next; `cause` keeps the original; no value
 * of a credential is in it.
 *
 * Use {@link isSessionError} rather than `instanceof`: an application may hold two copies of the package.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: SessionErrorCode;
  /** The step that failed, when it was one. */
  readonly step: string | undefined;
  readonly [marker] = true;

  constructor(code: SessionErrorCode, message: string, details: { step?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.step = details.step;
  }
}

/** True for every {@link SessionError}, also one made by another copy of this package. */
export function isSessionError(value: unknown): value is SessionError {
  return typeof value === 'object' && value !== null && (value as { [marker]?: unknown })[marker] === true;
}
