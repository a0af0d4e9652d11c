/** Where the time from a message to its first token went, in milliseconds. Phases that overlap are counted each in full. */
export interface FirstToken {
  /** Assembling the configuration; near 0 while it is cached. */
  readonly configMs: number;
  /** Getting a sandbox; 0 when the session has one. */
  readonly claimMs: number;
  /** Making the plan true; one round trip when nothing changed. */
  readonly bootstrapMs: number;
  /** The application's own `connect`. */
  readonly connectMs: number;
  /** From the model's last prerequisite to its first token. */
  readonly modelMs: number;
  /** From the call of `message` to the first token. */
  readonly totalMs: number;
  /** Names of the steps that were run for this message. */
  readonly ran: readonly string[];
}

/** Events of a session. No event holds a secret, a message or the text of a memory. */
export interface SessionEvents {
  /** The first token of an answer is there. */
  'first-token': [event: FirstToken];
  /** A step of the bootstrap began or ended. */
  'bootstrap-step': [event: { step: string; phase: 'begin' | 'end' }];
  /** The sandbox was gone and another one was claimed. */
  'sandbox-replaced': [event: { lost: string; sandboxId: string }];
  /** Storing the user's message failed; the answer went on. */
  'persist-failed': [event: { error: Error }];
  /** Something in the background failed; the next message tries again. */
  'background-error': [event: { error: Error }];
}
