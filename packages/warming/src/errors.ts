/** What went wrong, for a program. Each code has an anchor of the same name in `docs/errors.md`. */
export type WarmingErrorCode =
  | 'invalid_spec'
  | 'unknown_runtime'
  | 'invalid_option'
  | 'warm_up_failed'
  | 'warm_up_timeout'
  | 'not_ready'
  | 'provider_unreachable'
  | 'provider_unauthorized'
  | 'provider_failed'
  | 'sandbox_gone'
  | 'quota'
  | 'claim_cancelled'
  | 'claim_conflict'
  | 'claim_unknown'
  | 'ledger_unavailable'
  | 'ledger_corrupt'
  | 'closed';

const marker = Symbol.for('pilotlight.WarmingError');

/**
 * Base of every error thrown by `@pilotlight/warming`. The message ends with what to do next; `cause` keeps the original.
 *
 * Use {@link isWarmingError} rather than `instanceof`: an application may hold two copies of the package.
 */
export class WarmingError extends Error {
  override readonly name: string = 'WarmingError';
  readonly code: WarmingErrorCode;
  readonly [marker] = true;

  constructor(code: WarmingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for every {@link WarmingError}, also one made by another copy of this package. */
export function isWarmingError(value: unknown): value is WarmingError {
  return typeof value === 'object' && value !== null && (value as { [marker]?: unknown })[marker] === true;
}

/** One field of a runtime or of the options that cannot be used. */
export interface SpecIssue {
  /** Where it stands, for example `steps[1].timeoutMs`. */
  path: string;
  message: string;
  /** The value that was given. */
  value: unknown;
}

/** A runtime or an option is wrong; {@link issues} names every wrong field with the value given. */
export class InvalidSpecError extends WarmingError {
  override readonly name = 'InvalidSpecError';
  readonly issues: readonly SpecIssue[];

  constructor(subject: string, issues: readonly SpecIssue[]) {
    const lines = issues.map((issue) => `  ${issue.path}: ${issue.message} (given: ${preview(issue.value)})`);
    super('invalid_spec', `${subject} is not valid:\n${lines.join('\n')}\nCorrect these fields and try again.`);
    this.issues = issues;
  }
}

/** A warm-up step ended with an error or ran out of its time. */
export class WarmUpError extends WarmingError {
  override readonly name = 'WarmUpError';
  readonly runtime: string;
  readonly step: string;
  readonly command: string;
  /** Absent when the step was stopped by its timeout. */
  readonly exitCode: number | undefined;
  readonly timeoutMs: number | undefined;
  /** The last lines of what the step printed, standard output and standard error together. */
  readonly outputTail: string;

  constructor(details: {
    runtime: string;
    step: string;
    command: string;
    exitCode?: number | undefined;
    timeoutMs?: number | undefined;
    outputTail: string;
    cause?: unknown;
  }) {
    const how =
      details.exitCode === undefined
        ? `did not end within its timeout of ${details.timeoutMs} ms`
        : `ended with exit code ${details.exitCode}`;
    const next =
      details.exitCode === undefined
        ? 'Raise the step\'s "timeoutMs" or make the command end; run long-lived servers with "background: true".'
        : 'Run the command in a plain sandbox of the same template to see why, then correct the step.';
    super(
      details.exitCode === undefined ? 'warm_up_timeout' : 'warm_up_failed',
      `Warm-up step "${details.step}" of runtime "${details.runtime}" ${how}.\n` +
        `  command: ${details.command}\n  output ends with:\n${indent(details.outputTail || '(nothing)')}\n${next}`,
      { cause: details.cause },
    );
    this.runtime = details.runtime;
    this.step = details.step;
    this.command = details.command;
    this.exitCode = details.exitCode;
    this.timeoutMs = details.timeoutMs;
    this.outputTail = details.outputTail;
  }
}

/** The provider or the pool has no room for now; {@link retryAfterMs} says when to try again if it is known. */
export class QuotaError extends WarmingError {
  override readonly name = 'QuotaError';
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super('quota', message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

function preview(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
