import type { ClaimSource, MissReason } from '@pilotlight/warming';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const fastSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const slowSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** The Prometheus metrics of one service. Labels have few values: never an id, a key or a user. */
export class Metrics {
  readonly registry = new Registry();
  readonly #claims = this.#counter('claims_total', 'Claims answered', ['state', 'source']);
  readonly #misses = this.#counter('claim_misses_total', 'Claims not answered HOT, by reason', ['reason']);
  readonly #failures = this.#counter('claim_failures_total', 'Claims that ended without a sandbox', ['code']);
  readonly #claimSeconds = this.#histogram('claim_seconds', 'Claim to hand-over', slowSeconds, ['source']);
  readonly #requestSeconds = this.#histogram('http_request_seconds', 'HTTP requests', fastSeconds, ['route', 'status']);
  readonly #creates = this.#counter('create_total', 'Sandboxes started, from a template (new) or from what exists', [
    'kind',
    'outcome',
  ]);
  readonly #createSeconds = this.#histogram('create_seconds', 'Provider create or connect', slowSeconds, ['kind']);
  readonly #cloneSeconds = this.#histogram(
    'volume_clone_seconds',
    'Restoring a snapshot into a sandbox',
    slowSeconds,
    [],
  );
  readonly #readySeconds = this.#histogram('ready_wait_seconds', 'Waiting for the ready probe', slowSeconds, []);
  readonly #terminalSeconds = this.#histogram('terminal_connect_seconds', 'Opening a terminal', fastSeconds, []);
  readonly #pool = this.#gauge('pool_sandboxes', 'Sandboxes of a shared pool', ['runtime', 'tier']);
  readonly #burn = this.#gauge('objective_burn_rate', '1 uses up the error budget exactly in its window', [
    'objective',
  ]);
  readonly #followers = this.#gauge('followers', 'Event followers', []);
  readonly #terminals = this.#gauge('terminals', 'Open terminals', []);

  constructor(live: { followers: () => number; terminals: () => number }) {
    collectDefaultMetrics({ register: this.registry });
    Object.assign(this.#followers, { collect: () => this.#followers.set(live.followers()) });
    Object.assign(this.#terminals, { collect: () => this.#terminals.set(live.terminals()) });
  }

  claimed(state: 'HOT' | 'WARMING', source: ClaimSource | 'none'): void {
    this.#claims.inc({ state, source });
  }

  missed(reason: MissReason): void {
    this.#misses.inc({ reason });
  }

  failed(code: string): void {
    this.#failures.inc({ code });
  }

  handedOver(source: ClaimSource, latencyMs: number): void {
    this.#claimSeconds.observe({ source }, latencyMs / 1_000);
  }

  answered(route: string, status: number, elapsedMs: number): void {
    this.#requestSeconds.observe({ route, status: `${Math.floor(status / 100)}xx` }, elapsedMs / 1_000);
  }

  created(kind: 'new' | 'existing', outcome: 'ok' | 'error', elapsedMs: number): void {
    this.#creates.inc({ kind, outcome });
    if (outcome === 'ok') this.#createSeconds.observe({ kind }, elapsedMs / 1_000);
  }

  restored(elapsedMs: number): void {
    this.#cloneSeconds.observe(elapsedMs / 1_000);
  }

  waitedForReady(elapsedMs: number): void {
    this.#readySeconds.observe(elapsedMs / 1_000);
  }

  terminalOpened(elapsedMs: number): void {
    this.#terminalSeconds.observe(elapsedMs / 1_000);
  }

  pool(runtime: string, tiers: Readonly<Record<'target' | 'hot' | 'parked' | 'warming' | 'claimed', number>>): void {
    for (const [tier, count] of Object.entries(tiers)) this.#pool.set({ runtime, tier }, count);
  }

  burning(objective: string, burnRate: number): void {
    this.#burn.set({ objective }, burnRate);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: `pilotlight_${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> {
    return new Gauge({ name: `pilotlight_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[],
  ): Histogram<Label> {
    return new Histogram({ name: `pilotlight_${name}`, help, buckets, labelNames, registers: [this.registry] });
  }
}
