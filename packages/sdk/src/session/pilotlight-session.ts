import type { Sandbox } from 'e2b';
import { AgentSession, type SessionOptions } from './session.js';

/** Options of `pilotlight.session`. */
export interface PilotlightSessionOptions extends SessionOptions {
  /** Life of the sandbox after a message, in milliseconds; renewed in the background. @default 300_000 */
  lifeMs?: number;
  /** The same key gives the same sandbox after a restart of the application. @default a fresh one */
  key?: string;
}

/** Gives a sandbox of the runtime, and when it ends unless renewed. */
type Claimer = (
  runtime: string,
  request: { userId: string; lifeMs: number; key?: string; signal: AbortSignal },
) => Promise<{ sandbox: Sandbox; expiresAtMs: number | undefined }>;

/** A session whose sandbox comes from the client's pools. */
export function sessionOf(claimer: Claimer, options: PilotlightSessionOptions): AgentSession {
  const { lifeMs = 300_000, key, ...session } = options;
  let expiresAtMs = Number.POSITIVE_INFINITY;
  return new AgentSession({
    ...session,
    async claim(signal) {
      const { runtime, userId } = session;
      const claimed = await claimer(runtime, { userId, lifeMs, signal, ...(key === undefined ? {} : { key }) });
      expiresAtMs = claimed.expiresAtMs ?? Number.POSITIVE_INFINITY;
      return claimed.sandbox;
    },
    async renew(sandbox) {
      if (expiresAtMs - Date.now() > lifeMs / 2) return;
      expiresAtMs = Date.now() + lifeMs;
      await sandbox.setTimeout(lifeMs);
    },
  });
}
