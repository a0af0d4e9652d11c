import type { ClaimRecord } from './record.js';
import { textSealer } from './text-seal.js';

/** Turns records into text that a store may keep, and back. */
export interface RecordSealer {
  seal(record: ClaimRecord): string;
  /** Undefined when the text was sealed with another key, or was tampered with. */
  open(text: string): ClaimRecord | undefined;
}

/**
 * What opens a sandbox and what a user put into it are encrypted; the rest stays readable for an operator.
 * The claim's id and tenant are authenticated, so that a sealed part cannot be moved to another tenant's claim.
 *
 * @param keyHex 32 bytes in hex
 */
export function recordSealer(keyHex: string): RecordSealer {
  const sealer = textSealer(keyHex);
  return {
    seal(record) {
      const { status, details } = record;
      const connection = status.state === 'HOT' ? status.connection : undefined;
      const secret = JSON.stringify({ connection, details: details && withBase64(details) });
      const sealed = sealer.seal(secret, contextOf(record));
      const open = { ...record, details: undefined, status: { ...status, connection: undefined } };
      return JSON.stringify({ ...open, sandboxId: connection?.sandboxId, sealed });
    },
    open(text) {
      try {
        const {
          sealed,
          sandboxId: _,
          ...record
        } = JSON.parse(text) as ClaimRecord & { sealed: string; sandboxId?: string };
        const { connection, details } = JSON.parse(sealer.open(sealed, contextOf(record)));
        return {
          ...record,
          userId: record.userId,
          details: details && fromBase64(details),
          status: connection ? { ...record.status, connection } : record.status,
        } as ClaimRecord;
      } catch {
        return undefined;
      }
    },
  };
}

function contextOf({ claimId, tenant }: Pick<ClaimRecord, 'claimId' | 'tenant'>): string {
  return `${claimId}\n${tenant}`;
}

type Details = NonNullable<ClaimRecord['details']>;
type Files = NonNullable<Details['files']>;
type StoredFile = { path: string; text?: string; base64?: string };

function withBase64(details: Details): object {
  const store = (files: Files): StoredFile[] =>
    files.map(({ path, content }) =>
      typeof content === 'string' ? { path, text: content } : { path, base64: Buffer.from(content).toString('base64') },
    );
  const { files, memory, ...rest } = details;
  return {
    ...rest,
    ...(files ? { files: store(files) } : {}),
    ...(memory ? { memory: { env: memory.env, files: store(memory.files) } } : {}),
  };
}

function fromBase64(
  stored: Omit<Details, 'files' | 'memory'> & {
    files?: StoredFile[];
    memory?: { env: Record<string, string>; files: StoredFile[] };
  },
): Details {
  const load = (files: StoredFile[]): Files =>
    files.map(({ path, text, base64 }) => ({ path, content: text ?? Buffer.from(base64 ?? '', 'base64') }));
  const { files, memory, ...rest } = stored;
  return {
    ...rest,
    ...(files ? { files: load(files) } : {}),
    ...(memory ? { memory: { env: memory.env, files: load(memory.files) } } : {}),
  };
}
