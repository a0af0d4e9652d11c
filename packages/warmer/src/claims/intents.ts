import { randomBytes } from 'node:crypto';
import type { WireIntent, WireIntentRequest } from '@pilotlight/warming/wire';
import type { ClaimManager, IntentHandle } from './manager.js';
import { tenantUserId } from './names.js';
import type { RuntimeRegistry } from './registry.js';

interface OpenIntent {
  tenant: string;
  handle: IntentHandle;
  wire: WireIntent;
}

/** The hints given over HTTP: one for each user and runtime, never extended by asking again. */
export class IntentBook {
  readonly #parts: { manager: ClaimManager; registry: RuntimeRegistry; now: () => number };
  readonly #open = new Map<string, OpenIntent>();
  readonly #bySubject = new Map<string, string>();

  constructor(parts: { manager: ClaimManager; registry: RuntimeRegistry; now: () => number }) {
    this.#parts = parts;
  }

  async open(tenant: string, request: WireIntentRequest): Promise<WireIntent> {
    const { manager, registry, now } = this.#parts;
    const runtime = registry.resolve(tenant, request.runtime);
    this.#sweep();
    const subject = request.userId === undefined ? undefined : `${runtime.pool}\n${tenant}\n${request.userId}`;
    const known = subject === undefined ? undefined : this.#open.get(this.#bySubject.get(subject) ?? '');
    if (known) return known.wire;
    const intentId = `i_${randomBytes(12).toString('base64url')}`;
    const wire: WireIntent = {
      intentId,
      runtime: runtime.name,
      expiresAtMs: now() + request.ttlMs,
      ...(request.userId === undefined ? {} : { userId: request.userId }),
    };
    const handle = await manager.intent(runtime.pool, {
      ttlMs: request.ttlMs,
      ...(request.userId === undefined ? {} : { userId: tenantUserId(tenant, request.userId) }),
    });
    this.#open.set(intentId, { tenant, handle, wire });
    if (subject !== undefined) this.#bySubject.set(subject, intentId);
    return wire;
  }

  /** Idempotent; another tenant's intent is one that does not exist. */
  async cancel(tenant: string, intentId: string): Promise<void> {
    const intent = this.#open.get(intentId);
    if (intent?.tenant !== tenant) return;
    this.#forget(intentId);
    await intent.handle.cancel();
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
