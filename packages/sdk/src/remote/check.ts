import type { WireClaim, WireError, WireEvent, WireIntent, WirePool } from '@pilotlight/warming/wire';

/**
 * What a client must know of an answer before it relies on it. The whole schemas stay with the service, which made the
 * answer by them: in a page they would be most of what is downloaded.
 */
export function isWireClaim(value: unknown): value is WireClaim {
  return hasText(value, 'claimId') && hasText(value, 'state');
}

export function isWireIntent(value: unknown): value is WireIntent {
  return hasText(value, 'intentId');
}

export function isWirePoolList(value: unknown): value is { pools: WirePool[] } {
  return Array.isArray(field(value, 'pools'));
}

export function isWireErrorBody(value: unknown): value is { error: WireError } {
  return isWireError(field(value, 'error'));
}

/** Events carry an id; the answers to a follower's own messages do not. */
export function isWireEvent(value: unknown): value is WireEvent {
  return hasText(value, 'type') && hasText(value, 'id');
}

export function isRefusal(value: unknown): value is { type: 'refused'; claimId?: string; error: WireError } {
  return field(value, 'type') === 'refused' && isWireError(field(value, 'error'));
}

function isWireError(value: unknown): value is WireError {
  return hasText(value, 'code') && hasText(value, 'message');
}

function hasText(value: unknown, name: string): boolean {
  return typeof field(value, name) === 'string';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
