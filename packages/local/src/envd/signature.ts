import { createHash, timingSafeEqual } from 'node:crypto';

export interface SignedRequest {
  path: string;
  operation: 'read' | 'write';
  username: string;
  signature: string | undefined;
  /** Unix seconds, as text from the query. */
  expiration: string | undefined;
}

export type SignatureVerdict = 'valid' | 'missing' | 'invalid' | 'expired';

/** E2B's rule: `v1_` and the unpadded base64 of SHA-256 over the colon-joined parts, the sandbox's token among them. */
export function sign(request: Omit<SignedRequest, 'signature'>, token: string): string {
  const parts = [request.path, request.operation, request.username, token];
  if (request.expiration !== undefined) {
    parts.push(request.expiration);
  }
  return `v1_${createHash('sha256').update(parts.join(':')).digest('base64').replace(/=+$/, '')}`;
}

/** Equality is judged before expiry, so that an expired but genuine link is told apart from a forged one. */
export function verify(request: SignedRequest, token: string, nowMs: number): SignatureVerdict {
  if (request.signature === undefined) {
    return 'missing';
  }
  const expected = Buffer.from(sign(request, token));
  const given = Buffer.from(request.signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    return 'invalid';
  }
  if (request.expiration !== undefined && Number(request.expiration) * 1000 < nowMs) {
    return 'expired';
  }
  return 'valid';
}

export function tokensEqual(given: string | undefined, expected: string): boolean {
  const left = Buffer.from(given ?? '');
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}
