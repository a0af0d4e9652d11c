import { createHash, timingSafeEqual } from 'node:crypto';
import type { WireScope } from '@pilotlight/warming/wire';
import { WarmerError } from '../errors.js';

/** A token as the configuration keeps it: its hash, never itself. */
export interface TokenRecord {
  /** Public part of the token, for logs and for revoking. */
  id: string;
  tenant: string;
  /** SHA-256 of the whole token, in hex. Enough for a random secret of 256 bits: there is nothing to guess. */
  sha256: string;
  scopes: WireScope[];
  /** Epoch milliseconds. @default never */
  expiresAtMs?: number | undefined;
  /** @default the service's limit */
  requestsPerSecond?: number | undefined;
}

/** Who asks. */
export interface Principal {
  tenant: string;
  tokenId: string;
  scopes: ReadonlySet<WireScope>;
  requestsPerSecond: number | undefined;
}

const shape = /^plt_([a-z0-9]{8,32})_([A-Za-z0-9_-]{43})$/;
const absent = Buffer.alloc(32);

/** A new token and the record to keep of it. The token itself is shown once and never stored. */
export function issueToken(
  grant: Omit<TokenRecord, 'id' | 'sha256'>,
  randomBytes: (size: number) => Buffer,
): { token: string; record: TokenRecord } {
  const id = randomBytes(8).toString('hex');
  const token = `plt_${id}_${randomBytes(32).toString('base64url')}`;
  return { token, record: { id, ...grant, sha256: hashOf(token).toString('hex') } };
}

/** Finds who a bearer token belongs to, in time that does not depend on how much of it is right. */
export class TokenBook {
  readonly #byId: ReadonlyMap<string, { record: TokenRecord; hash: Buffer }>;

  constructor(records: readonly TokenRecord[]) {
    this.#byId = new Map(records.map((record) => [record.id, { record, hash: Buffer.from(record.sha256, 'hex') }]));
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws {@link WarmerError} `unauthenticated`, the same for unknown, wrong and malformed; its own for expired */
  authenticate(token: string | undefined, nowMs: number): Principal {
    if (token === undefined) {
      throw new WarmerError('unauthenticated', 'Send a token: "Authorization: Bearer plt_…".');
    }
    const known = this.#byId.get(shape.exec(token)?.[1] ?? '');
    const matches = timingSafeEqual(hashOf(token), known?.hash ?? absent);
    if (!known || !matches) {
      throw new WarmerError('unauthenticated', 'The token is not valid. Ask the operator for one.');
    }
    const { record } = known;
    if (record.expiresAtMs !== undefined && nowMs >= record.expiresAtMs) {
      throw new WarmerError('unauthenticated', `The token "${record.id}" has expired. Ask the operator for a new one.`);
    }
    return {
      tenant: record.tenant,
      tokenId: record.id,
      scopes: new Set(record.scopes),
      requestsPerSecond: record.requestsPerSecond,
    };
  }
}

/** @throws {@link WarmerError} `forbidden` naming the scope that is missing */
export function requireScope(principal: Principal, scope: WireScope): void {
  if (principal.scopes.has(scope) || principal.scopes.has('operator')) return;
  throw new WarmerError('forbidden', `This token lacks the scope "${scope}". Ask the operator for one that has it.`);
}

/** An operator sees every tenant; everyone else only what is theirs. */
export function maySee(principal: Principal, tenant: string): boolean {
  return principal.tenant === tenant || principal.scopes.has('operator');
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
