import { randomBytes } from 'node:crypto';
import type { WireIntent, WireIntentRequest } from '@pilotlight/warming/wire';
import { WarmerError } from '../errors.js';
import type { RuntimeRegistry } from '../runtimes/registry.js';
import type { ClaimManager, IntentHandle } from './manager.js';
import { tenantUserId } from './names.js';

interface OpenIntent {
  tenant: string;
  handle: IntentHandle;
  wire: WireIntent;
}

interface IntentParts {
  manager: ClaimManager;
  registry: RuntimeRegistry;
  now: () => number;
  perTenant: number;
  /** The price of one running sandbox for a time, in US dollars. */
  costOf: (durationMs: number) => number;
}

/** The hints given over HTTP: one for each user and runtime, never extended by asking again. */
export class IntentBook {
  readonly #parts: IntentParts;
  readonly #open = new Map<string, OpenIntent>();
  readonly #bySubject = new Map<string, string>();

  constructor(parts: IntentParts) {
    this.#parts = parts;
  }

  open(tenant: string, request: WireIntentRequest): WireIntent {
    const { manager, registry, now } = this.#parts;
    const runtime = registry.resolve(tenant, request.runtime);
    this.#sweep();
    const subject = `${runtime.pool}\n${tenant}\n${request.userId}`;
    const known = this.#open.get(this.#bySubject.get(subject) ?? '');
    if (known) return known.wire;
    const count = [...this.#open.values()].filter((intent) => intent.tenant === tenant).length;
    if (count >= this.#parts.perTenant) {
      throw new WarmerError('quota', `${count} intents are open. Cancel those whose users left, and try again.`);
    }
    const { userId, ttlMs } = request;
    const handle = manager.intent(runtime.pool, { userId: tenantUserId(tenant, userId), ttlMs });
    const { expiresAtMs } = handle;
    const wire: WireIntent = {
      intentId: `i_${randomBytes(12).toString('base64url')}`,
      runtime: runtime.name,
      userId,
      expiresAtMs,
      maxCostDollars: this.#parts.costOf(expiresAtMs - now()),
    };
    this.#open.set(wire.intentId, { tenant, handle, wire });
    this.#bySubject.set(subject, wire.intentId);
    return wire;
  }

  /** Idempotent; another tenant's intent is one that does not exist. */
  cancel(tenant: string, intentId: string): void {
    const intent = this.#open.get(intentId);
    if (intent?.tenant !== tenant) return;
    this.#forget(intentId);
    intent.handle.cancel();
  }

  close(): void {
    this.#open.clear();
    this.#bySubject.clear();
  }

  #sweep(): void {
    const nowMs = this.#parts.now();
    for (const [intentId, { wire }] of this.#open) if (wire.expiresAtMs <= nowMs) this.#forget(intentId);
  }

  #forget(intentId: string): void {
    this.#open.delete(intentId);
    for (const [subject, id] of this.#bySubject) if (id === intentId) this.#bySubject.delete(subject);
  }
}
