import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { wireClaim, wireErrorBody } from '@pilotlight/warming/wire';
import { bundled } from '../../bench/service/bundle.js';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import type { WarmerConfigInput } from '../../packages/warmer/src/config/schema.js';
import type { Answer, ReplicaSettings } from './protocol.js';
import type { FleetReplica, OrderOf } from './replicas.js';

const { token, record } = issueToken({ tenant: 'chaos', scopes: ['claims'], requestsPerSecond: 100_000 }, randomBytes);
const sealKey = randomBytes(32).toString('hex');
const longestWaitMs = 60_000;

export function buildService(): Promise<string> {
  return bundled('service-replica', new URL('./', import.meta.url));
}

/** One that is asked over HTTP: the whole service. */
export class ServiceReplica implements FleetReplica {
  readonly ready: Promise<void>;
  dead = false;
  readonly #process: ChildProcess;
  readonly #settings: ReplicaSettings;
  readonly #claims = new Map<string, string>();
  readonly #gone = new AbortController();
  #url: string | undefined;

  constructor(file: string, settings: ReplicaSettings) {
    this.#settings = settings;
    this.#process = fork(file, [JSON.stringify(configOf(settings))], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.ready = new Promise((resolve) => {
      this.#process.once('message', ({ url }: { url: string }) => {
        this.#url = url;
        resolve();
      });
      this.#process.once('exit', () => {
        this.dead = true;
        this.#gone.abort(new Error('the replica died'));
        resolve();
      });
    });
  }

  async ask(order: OrderOf): Promise<Omit<Answer, 'id'>> {
    await this.ready;
    const beganMs = performance.now();
    const durationMs = () => performance.now() - beganMs;
    switch (order.kind) {
      case 'claim': {
        const { runtime, claimLifeMs: lifeMs } = this.#settings;
        const asked = await this.#request('POST', '/v1/claims', { runtime: runtime.name, key: order.key, lifeMs });
        const hot = typeof asked === 'string' ? asked : await this.#hot(asked);
        if (typeof hot === 'string') return { ok: false, error: hot, durationMs: durationMs() };
        const acked = await this.#request('POST', `/v1/claims/${hot.claimId}/ack`);
        if (typeof acked === 'string') return { ok: false, error: acked, durationMs: durationMs() };
        this.#claims.set(order.key, hot.claimId);
        return { ok: true, sandboxId: hot.sandboxId, source: hot.source, durationMs: durationMs() };
      }
      case 'retire': {
        const claimId = this.#claims.get(order.key);
        const ended = claimId === undefined ? undefined : await this.#request('DELETE', `/v1/claims/${claimId}`);
        if (typeof ended === 'string') return { ok: false, error: ended, durationMs: durationMs() };
        this.#claims.delete(order.key);
        return { ok: true, durationMs: durationMs() };
      }
    }
  }

  async kill(): Promise<void> {
    if (this.dead) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Asks until a claim is hot. @returns the code of what went wrong otherwise */
  async #hot(first: unknown): Promise<string | { claimId: string; sandboxId: string; source: string }> {
    let claim = wireClaim.parse(first);
    for (const untilMs = performance.now() + longestWaitMs; claim.state === 'WARMING'; ) {
      if (performance.now() > untilMs) return 'warming_without_end';
      await sleep(50);
      const read = await this.#request('GET', `/v1/claims/${claim.claimId}`);
      if (typeof read === 'string') return read;
      claim = wireClaim.parse(read);
    }
    if (claim.state !== 'HOT') return `claim_${claim.state.toLowerCase()}`;
    return { claimId: claim.claimId, sandboxId: claim.connection.sandboxId, source: claim.source };
  }

  /** @returns the body, or the code of the one error shape: any other answer fails the run */
  async #request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      signal: this.#gone.signal,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const answer: unknown = response.status === 204 ? undefined : await response.json();
    return response.ok ? answer : wireErrorBody.parse(answer).error.code;
  }
}

function configOf({ connection, redisUrl, fleet, runtime, times }: ReplicaSettings): WarmerConfigInput {
  const { leaseMs, sweepMs, orphanGraceMs } = times;
  return {
    listen: { port: 0 },
    provider: connection,
    store: { kind: 'redis', url: redisUrl },
    sealKey,
    fleet,
    tokens: [record],
    budget: { createsPerSecond: 50, maxSandboxes: 100 },
    recovery: { leaseMs, sweepMs, orphanGraceMs },
    runtimes: [{ ...runtime }],
    log: { level: 'silent' },
    drainMs: 0,
  };
}
