import { describe, expect, it } from 'vitest';
import type { ControlRequest } from './decide.js';
import { FaultGate, type GateClock } from './fault-gate.js';
import { answerFaults } from './fault-routes.js';
import { operationOf } from './operations.js';

class FakeClock implements GateClock {
  private timeMs = 0;
  private waiting: { atMs: number; resolve: (isTime: boolean) => void }[] = [];
  readonly waits: number[] = [];

  nowMs(): number {
    return this.timeMs;
  }

  wait(ms: number, signal: AbortSignal): Promise<boolean> {
    this.waits.push(ms);
    return new Promise((resolve) => {
      this.waiting.push({ atMs: this.timeMs + ms, resolve });
      signal.addEventListener('abort', () => resolve(false), { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    this.timeMs += ms;
    const due = this.waiting.filter((timer) => timer.atMs <= this.timeMs);
    this.waiting = this.waiting.filter((timer) => timer.atMs > this.timeMs);
    for (const timer of due) {
      timer.resolve(true);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function open(running = 0, paused: string[] = []) {
  const clock = new FakeClock();
  const killed: string[] = [];
  let created = 0;
  const subjects = {
    isPaused: (id: string) => paused.includes(id),
    runningCount: () => running + created,
    kill: async (id: string) => {
      killed.push(id);
    },
  };
  const gate = new FaultGate(subjects, clock);
  const carryOut = async (request: ControlRequest, act: () => string[]) => {
    const entry = await gate.enter(request);
    if (entry.kind !== 'carryOut') {
      return entry;
    }
    const ids = act();
    return { kind: await entry.pass.leave(ids) };
  };
  const create = (templateId = 'base', metadata: Record<string, string> = {}) =>
    carryOut({ operation: 'create', templateId, metadata }, () => {
      created += 1;
      return [`sandbox-${created}`];
    });
  const connect = (sandboxId: string) => carryOut({ operation: 'connect', sandboxId }, () => []);
  return { clock, killed, gate, create, connect, createdCount: () => created };
}

describe('rules', () => {
  it('refuses with 429 and Retry-After, or without it, as often as was ordered', async () => {
    const { gate, create } = open();
    gate.add({
      rules: [
        { operation: 'create', times: 1, after: 1, effect: { kind: 'error', status: 429, retryAfterSeconds: 2 } },
      ],
    });
    expect((await create()).kind).toBe('answer');
    expect(await create()).toMatchObject({ kind: 'refused', refusal: { status: 429, retryAfterSeconds: 2 } });
    expect((await create()).kind).toBe('answer');
    expect(gate.report().rules[0]).toMatchObject({ matched: 3, applied: 1 });
  });

  it('loses the answer of a create that happened', async () => {
    const { gate, create, createdCount } = open();
    gate.add({ rules: [{ operation: 'create', effect: { kind: 'loseAnswer' } }] });
    expect(await create()).toEqual({ kind: 'cut' });
    expect(createdCount()).toBe(1);
  });

  it('cuts a request before it happens', async () => {
    const { gate, create, createdCount } = open();
    gate.add({ rules: [{ operation: 'any', effect: { kind: 'cutRequest' } }] });
    expect(await create()).toEqual({ kind: 'cut' });
    expect(createdCount()).toBe(0);
  });

  it('lets a sandbox die early, and not when the host was closed before', async () => {
    const { gate, create, clock, killed } = open();
    gate.add({ rules: [{ operation: 'create', effect: { kind: 'earlyDeath', afterMs: 50 } }] });
    await create();
    await clock.advance(49);
    expect(killed).toEqual([]);
    await clock.advance(1);
    expect(killed).toEqual(['sandbox-1']);
    await create();
    gate.close();
    await clock.advance(100);
    expect(killed).toEqual(['sandbox-1']);
  });

  it('fails a resume, with or without losing the sandbox, and leaves a connect to a running one alone', async () => {
    const { gate, connect, killed } = open(0, ['paused']);
    gate.add({ rules: [{ operation: 'any', effect: { kind: 'failResume', losesSandbox: true } }] });
    expect(await connect('running')).toEqual({ kind: 'answer' });
    expect(await connect('paused')).toMatchObject({ kind: 'refused', refusal: { status: 500 } });
    expect(killed).toEqual(['paused']);
  });

  it('applies only where template and metadata are those of the rule', async () => {
    const { gate, create } = open();
    const when = { templateId: 'heavy', metadata: { pool: 'a' } };
    gate.add({ rules: [{ operation: 'create', when, effect: { kind: 'error', status: 503 } }] });
    expect((await create('heavy', { pool: 'b' })).kind).toBe('answer');
    expect((await create('base', { pool: 'a' })).kind).toBe('answer');
    expect((await create('heavy', { pool: 'a', other: 'x' })).kind).toBe('refused');
  });

  it('adds up delays before the request is carried out', async () => {
    const { gate, create, clock, createdCount } = open();
    const effect = { kind: 'delay', delayMs: 100 } as const;
    gate.add({
      rules: [
        { operation: 'create', effect },
        { operation: 'any', effect },
      ],
    });
    const answer = create();
    await clock.advance(199);
    expect(createdCount()).toBe(0);
    await clock.advance(1);
    expect((await answer).kind).toBe('answer');
  });

  it('draws the same way for the same seed', async () => {
    const play = async () => {
      const { gate, create } = open();
      gate.add({ seed: 7, rules: [{ operation: 'create', probability: 0.5, effect: { kind: 'error', status: 500 } }] });
      const kinds = [];
      for (let index = 0; index < 40; index += 1) {
        kinds.push((await create()).kind);
      }
      return kinds;
    };
    const first = await play();
    expect(await play()).toEqual(first);
    expect(new Set(first).size).toBe(2);
  });
});

describe('ceilings', () => {
  it('answers too many creates per second with Retry-After and too many sandboxes without', async () => {
    const { gate, create, clock } = open(18);
    gate.add({ limits: 'hobby' });
    expect((await create()).kind).toBe('answer');
    expect(await create()).toMatchObject({ kind: 'refused', refusal: { status: 429, retryAfterSeconds: 1 } });
    await clock.advance(1000);
    expect((await create()).kind).toBe('answer');
    await clock.advance(1000);
    const outcome = await create();
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { status: 429 } });
    expect(JSON.stringify(outcome)).not.toContain('retryAfter');
  });

  it('counts creates under way', async () => {
    const { gate, create, clock } = open();
    gate.add({
      limits: { concurrentSandboxes: 1 },
      rules: [{ operation: 'create', effect: { kind: 'delay', delayMs: 10 } }],
    });
    const first = create();
    expect((await create()).kind).toBe('refused');
    await clock.advance(10);
    expect((await first).kind).toBe('answer');
  });
});

describe('latency', () => {
  it('plays the measured distribution from its seed', async () => {
    const play = async () => {
      const { gate, create, clock } = open();
      gate.add({ latency: { profile: 'e2b', seed: 3 } });
      for (let index = 0; index < 2000; index += 1) {
        const answer = create();
        await Promise.resolve();
        await clock.advance(10_000);
        await answer;
      }
      return clock.waits;
    };
    const waits = await play();
    expect(await play()).toEqual(waits);
    const sorted = [...waits].sort((left, right) => left - right);
    const at = (share: number) => sorted[Math.floor(share * sorted.length)]!;
    expect(at(0.5)).toBeGreaterThan(392 * 0.95);
    expect(at(0.5)).toBeLessThan(392 * 1.05);
    expect(at(0.95)).toBeGreaterThan(621 * 0.95);
    expect(at(0.95)).toBeLessThan(621 * 1.05);
  });
});

describe('the admin API', () => {
  it('adds, reports, removes and clears', () => {
    const { gate } = open();
    const rules = [{ id: 'busy', operation: 'create', effect: { kind: 'error', status: 503 } }];
    expect(answerFaults(gate, 'POST', '/_pilotlight/faults', { rules, limits: 'pro' })?.status).toBe(201);
    expect(answerFaults(gate, 'GET', '/_pilotlight/faults', undefined)?.body).toMatchObject({
      rules: [{ id: 'busy', applied: 0 }],
      limits: { createsPerSecond: 5, concurrentSandboxes: 100 },
    });
    expect(answerFaults(gate, 'DELETE', '/_pilotlight/faults/other', undefined)?.status).toBe(404);
    expect(answerFaults(gate, 'DELETE', '/_pilotlight/faults/busy', undefined)?.status).toBe(204);
    expect(answerFaults(gate, 'DELETE', '/_pilotlight/faults', undefined)?.status).toBe(204);
    expect(gate.report()).toEqual({ rules: [], limits: null, latency: null });
  });

  it('names the field and the value of what it cannot use', () => {
    const { gate } = open();
    const rules = [{ operation: 'creat', effect: { kind: 'error', status: 503 } }];
    const answer = answerFaults(gate, 'POST', '/_pilotlight/faults', { rules });
    expect(answer?.status).toBe(400);
    expect(JSON.stringify(answer?.body)).toContain('rules.0.operation');
    expect(JSON.stringify(answer?.body)).toContain('creat');
  });
});

describe('operations', () => {
  it.each([
    ['POST', '/v2/sandboxes', 'create'],
    ['POST', '/sandboxes', 'create'],
    ['GET', '/v2/sandboxes', 'list'],
    ['POST', '/v2/sandboxes/abc/connect', 'connect'],
    ['DELETE', '/sandboxes/abc', 'kill'],
    ['GET', '/sandboxes/abc', 'info'],
    ['POST', '/sandboxes/abc/fork', 'fork'],
    ['POST', '/v3/templates', 'template'],
    ['GET', '/volumes', 'volume'],
    ['GET', '/', 'other'],
  ])('%s %s is %s', (method, path, operation) => {
    expect(operationOf(method, path).operation).toBe(operation);
  });
});
