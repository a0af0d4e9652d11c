import type { ClaimRequest, MemoryInjection } from '../claim.js';
import { InvalidSpecError } from '../errors.js';
import { issuesOf } from '../options.js';
import { ArrivingMemory, isPromiseLike } from '../personalise/arriving-memory.js';
import * as z from '../schema.js';

function makeRequestSchema() {
  const environment = z.record(z.string().min(1), z.string());
  const file = z.strictObject({ path: z.string().min(1), content: z.union([z.string(), z.instanceof(Uint8Array)]) });
  const injection = z.object({ env: environment, files: z.array(file) });
  const arriving = z.custom<PromiseLike<MemoryInjection | undefined>>(isPromiseLike);
  const memory = z
    .union([injection, arriving])
    .transform((given) => new ArrivingMemory(given, (value) => injection.parse(value)));

  return z.strictObject({
    key: z.string().min(1).max(256).optional(),
    tenant: z.string().min(1).max(256).default('default'),
    userId: z.string().min(1).max(256).optional(),
    affinity: z.enum(['none', 'prefer']).default('none'),
    env: environment.default({}),
    secrets: environment.default({}),
    files: z.array(file).default([]),
    memory: memory.optional(),
    priority: z.enum(['interactive', 'background']).default('interactive'),
    lifeMs: z.number().int().positive().default(300_000),
    signal: z.instanceof(AbortSignal).optional(),
    onProgress: z
      .custom<NonNullable<ClaimRequest['onProgress']>>((value) => typeof value === 'function', 'must be a function')
      .optional(),
  });
}

const requestSchema = z.madeOnce(makeRequestSchema);

/** A claim request with every default filled in. */
export type ParsedRequest = Readonly<z.output<ReturnType<typeof makeRequestSchema>>>;

/** Values that an error must not repeat. */
const hidden = new Set(['env', 'secrets', 'files', 'memory']);

/** @throws {@link InvalidSpecError} naming every wrong field; what may be secret is not repeated */
export function parseRequest(request: ClaimRequest): ParsedRequest {
  const parsed = requestSchema().safeParse(request);
  if (parsed.success) return parsed.data;
  throw new InvalidSpecError('The claim request', issuesOf(parsed.error, request, hidden));
}
