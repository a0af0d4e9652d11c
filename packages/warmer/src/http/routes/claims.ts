import { randomBytes } from 'node:crypto';
import type { SandboxFile } from '@pilotlight/warming';
import {
  type WireClaimRequest,
  wireClaim,
  wireClaimId,
  wireClaimList,
  wireClaimRequest,
  wireErrorBody,
  wireEventId,
  wireHotClaim,
  wireRenewRequest,
  wireWarmingClaim,
} from '@pilotlight/warming/wire';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { toWireClaim, toWireSummary } from '../../claims/record.js';
import { WarmerError } from '../../errors.js';
import { traced } from '../../operation/telemetry.js';
import { allow, ownClaim, sightOf } from '../access.js';
import type { App } from '../app.js';
import type { ServiceContext } from '../context.js';
import { fingerprintOf } from '../idempotency.js';
import { followAsServerSentEvents } from '../server-sent-events.js';

const params = z.object({ claimId: wireClaimId });
const errors = { '4xx': wireErrorBody, '5xx': wireErrorBody };

export async function claimRoutes(app: App, context: ServiceContext): Promise<void> {
  const { claims, sandboxUrl, audit } = context;

  app.post(
    '/v1/claims',
    {
      schema: {
        summary: 'Claim a sandbox: 200 HOT with the sandbox, or 202 WARMING with progress',
        body: wireClaimRequest,
        response: { 200: wireHotClaim, 202: wireWarmingClaim, ...errors },
      },
    },
    async (request, reply) => {
      const { tenant, tokenId } = allow(request, 'claims');
      if (context.readiness.draining) {
        throw new WarmerError('closed', 'This replica is being stopped. Ask again: another one answers.', {
          retryAfterMs: 1_000,
        });
      }
      const { body } = request;
      const key = body.key ?? idempotencyKey(request) ?? randomBytes(16).toString('base64url');
      const record = await traced('claim', request.headers, { 'pilotlight.runtime': body.runtime }, async (span) => {
        const claimed = await claims.claim({
          tenant,
          key,
          runtime: body.runtime,
          userId: body.userId,
          fingerprint: fingerprintOf(JSON.stringify({ ...body, key })),
          details: detailsOf(body),
        });
        span.setAttribute('pilotlight.state', claimed.status.state);
        return claimed;
      });
      audit.info({ tenant, tokenId, action: 'claim', claimId: record.claimId, runtime: record.runtime });
      const claim = toWireClaim(record, sandboxUrl);
      if (claim.state === 'HOT') return reply.status(200).send(claim);
      if (claim.state === 'WARMING') return reply.status(202).send(claim);
      throw new WarmerError(
        claim.state === 'FAILED' ? claim.error.code : 'claim_cancelled',
        claim.state === 'FAILED' ? claim.error.message : 'The claim was cancelled. Make a new one.',
      );
    },
  );

  app.get(
    '/v1/claims',
    {
      schema: {
        summary: 'Newest claims first',
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) }),
        response: { 200: wireClaimList, ...errors },
      },
    },
    async (request) => {
      const principal = allow(request, 'claims');
      const tenant = principal.scopes.has('operator') ? undefined : principal.tenant;
      const records = await claims.list(tenant, request.query.limit);
      return { claims: records.map(toWireSummary) };
    },
  );

  app.get(
    '/v1/claims/:claimId',
    { schema: { summary: 'Where a claim stands, for pollers', params, response: { 200: wireClaim, ...errors } } },
    async (request) => {
      const principal = allow(request, 'claims');
      return toWireClaim(await ownClaim(context, principal, request.params.claimId), sandboxUrl);
    },
  );

  app.post(
    '/v1/claims/:claimId/ack',
    { schema: { summary: 'Say that you have the sandbox', params, response: { 200: wireClaim, ...errors } } },
    async (request) => {
      const principal = allow(request, 'claims');
      const record = await ownClaim(context, principal, request.params.claimId);
      return toWireClaim(await claims.ack(record), sandboxUrl);
    },
  );

  app.post(
    '/v1/claims/:claimId/renew',
    {
      schema: {
        summary: 'Set the remaining life, counted from now',
        params,
        body: wireRenewRequest,
        response: { 200: wireClaim, ...errors },
      },
    },
    async (request) => {
      const principal = allow(request, 'claims');
      const record = await ownClaim(context, principal, request.params.claimId);
      return toWireClaim(await claims.renew(record, request.body.lifeMs), sandboxUrl);
    },
  );

  app.post(
    '/v1/claims/:claimId/keep',
    {
      schema: {
        summary: 'End the claim and keep the sandbox, paused, for the same user',
        params,
        response: { 200: wireClaim, ...errors },
      },
    },
    async (request) => {
      const principal = allow(request, 'claims');
      const record = await ownClaim(context, principal, request.params.claimId);
      return toWireClaim(await claims.keep(record), sandboxUrl);
    },
  );

  app.delete(
    '/v1/claims/:claimId',
    { schema: { summary: 'Cancel or retire; idempotent', params, response: { 200: wireClaim, ...errors } } },
    async (request) => {
      const principal = allow(request, 'claims');
      const record = await ownClaim(context, principal, request.params.claimId);
      const { tenant, tokenId } = principal;
      audit.info({ tenant, tokenId, action: 'retire', claimId: record.claimId });
      return toWireClaim(await claims.retire(record), sandboxUrl);
    },
  );

  app.get(
    '/v1/claims/:claimId/events',
    {
      schema: {
        summary: 'Progress as server-sent events, to the terminal one; resumable with Last-Event-ID',
        params,
        querystring: z.object({ lastEventId: wireEventId.optional() }),
      },
    },
    async (request, reply) => {
      const principal = allow(request, 'claims');
      const { claimId } = request.params;
      await ownClaim(context, principal, claimId);
      const header = wireEventId.safeParse(request.headers['last-event-id']);
      await followAsServerSentEvents(context, request, reply, {
        claimId,
        lastEventId: header.success ? header.data : request.query.lastEventId,
        sight: sightOf(principal),
      });
      return reply;
    },
  );
}

export function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,200}$/.test(header)) return header;
  throw new WarmerError('invalid_request', 'Idempotency-Key must be 1 to 200 printable characters. Correct it.');
}

function detailsOf(body: WireClaimRequest) {
  const { affinity, files, memoryFiles, priority, lifeMs } = body;
  return {
    affinity,
    priority,
    lifeMs,
    ...(files.length > 0 ? { files: files.map(fileOf) } : {}),
    ...(memoryFiles.length > 0 ? { memory: { env: {}, files: memoryFiles.map(fileOf) } } : {}),
  };
}

function fileOf({ path, content, encoding }: WireClaimRequest['files'][number]): SandboxFile {
  return { path, content: encoding === 'base64' ? Buffer.from(content, 'base64') : content };
}
