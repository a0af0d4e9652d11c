import {
  type ClaimAnswer,
  type ClaimRequest,
  defineRuntime,
  isWarmingError,
  type Runtime,
  type WarmingEvents,
  type WarmingProgress,
} from '@pilotlight/warming';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What an application does with a manager, embedded or at the other end of a wire. */
export interface SuiteManager {
  start(): Promise<void>;
  define(runtime: Runtime): void;
  claim(runtime: string, request?: ClaimRequest): Promise<ClaimAnswer>;
  intent(runtime: string, options: { userId: string; ttlMs?: number }): { expiresAtMs: number; cancel(): void };
  on<Name extends keyof WarmingEvents>(name: Name, listener: (...values: WarmingEvents[Name]) => void): unknown;
  close(): Promise<void>;
}

export interface SuiteSubject {
  manager: SuiteManager;
  /** Runs a command in the sandbox of a claim, as an application would. */
  run(sandboxId: string, command: string): Promise<string>;
  exists(sandboxId: string): Promise<boolean>;
  close(): Promise<void>;
}

const slow = defineRuntime({
  name: 'suite-slow',
  steps: [
    { name: 'first', run: 'sleep 0.3' },
    { name: 'second', run: 'echo ready > ~/ready' },
  ],
  ready: { file: '/home/user/ready' },
  pool: { target: 0, link: false, generic: false },
});
const pooled = defineRuntime({ name: 'suite-pooled', pool: { target: 1, link: false, generic: false } });
const broken = defineRuntime({
  name: 'suite-broken',
  steps: [{ name: 'fails', run: 'echo the reason; exit 7' }],
  pool: { target: 0, link: false, generic: false },
});

/** The same promises of every manager that can answer a claim. */
export function describeClaims(name: string, open: () => Promise<SuiteSubject>): void {
  describe(name, () => {
    let subject: SuiteSubject;
    beforeAll(async () => {
      subject = await open();
      await subject.manager.start();
      for (const runtime of [slow, pooled, broken]) subject.manager.define(runtime);
    });
    afterAll(() => subject.close());

    it('answers WARMING at once, with progress that never falls and ends in one terminal event', async () => {
      const told: WarmingProgress[] = [];
      const answer = await subject.manager.claim('suite-slow', { onProgress: (event) => told.push(event) });
      expect(answer.state).toBe('WARMING');
      if (answer.state !== 'WARMING') return;
      const seen: WarmingProgress[] = [];
      for await (const event of answer) seen.push(event);
      const claim = await answer.ready;
      const values = seen.map((event) => event.progress);
      expect(values).toEqual([...values].sort((first, second) => first - second));
      expect(seen.filter((event) => event.outcome)).toHaveLength(1);
      expect(seen.at(-1)).toMatchObject({ outcome: 'hot', progress: 1, claimId: answer.claimId });
      expect(told.at(-1)).toMatchObject({ outcome: 'hot' });
      expect(answer.progress).toBe(1);
      await claim.ack();
      expect(await subject.run(claim.connection.sandboxId, 'cat ~/ready')).toBe('ready\n');
      await claim.retire();
    });

    it('answers HOT once the pool is filled, and never the same sandbox twice', async () => {
      const first = await hot(subject.manager);
      const second = await hot(subject.manager);
      expect(first.connection.sandboxId).not.toBe(second.connection.sandboxId);
      await Promise.all([first.retire(), second.retire()]);
    });

    it('gives the same sandbox for the same key', async () => {
      const key = `key-${Math.random()}`;
      const [first, second] = await Promise.all(
        [0, 1].map(async () => (await subject.manager.claim('suite-pooled', { key })).ready),
      );
      expect(second?.connection.sandboxId).toBe(first?.connection.sandboxId);
      expect(first?.key).toBe(key);
      await first?.retire();
    });

    it('keeps environment and secrets with the handle, and writes files before the hand-over', async () => {
      const answer = await subject.manager.claim('suite-pooled', {
        env: { PLAIN: '1' },
        secrets: { SECRET: 'shh' },
        memory: { env: { MEMORY: 'm' }, files: [] },
        files: [{ path: 'note.txt', content: new TextEncoder().encode('a note') }],
      });
      const claim = await answer.ready;
      expect(claim.env).toEqual({ PLAIN: '1', SECRET: 'shh', MEMORY: 'm' });
      expect(JSON.stringify(claim)).not.toContain('shh');
      expect(await subject.run(claim.connection.sandboxId, 'cat note.txt; env')).toMatch(/^a note(?![\s\S]*shh)/);
      await claim.retire();
    });

    it('renews, and ends the sandbox when the claim is retired', async () => {
      const claim = await (await subject.manager.claim('suite-pooled', { lifeMs: 60_000 })).ready;
      await claim.renew(600_000);
      expect(claim.expiresAtMs).toBeGreaterThan(Date.now() + 500_000);
      await claim.retire();
      await claim.retire();
      expect(await subject.exists(claim.connection.sandboxId)).toBe(false);
    });

    it('tells a failed step with its command, exit code and output', async () => {
      const answer = await subject.manager.claim('suite-broken');
      const error: unknown = await answer.ready.catch((reason: unknown) => reason);
      expect(isWarmingError(error)).toBe(true);
      expect(error).toMatchObject({ code: 'warm_up_failed', step: 'fails', exitCode: 7 });
      expect((error as { outputTail: string }).outputTail).toContain('the reason');
    });

    it('knows no runtime that was never declared', async () => {
      await expect(subject.manager.claim('suite-unknown')).rejects.toMatchObject({ code: 'unknown_runtime' });
    });

    it('gives a claim up when it is cancelled or its signal aborts', async () => {
      const answer = await subject.manager.claim('suite-slow');
      if (answer.state === 'WARMING') await answer.cancel();
      await expect(answer.ready).rejects.toMatchObject({ code: 'claim_cancelled' });
      const stop = new AbortController();
      const other = await subject.manager.claim('suite-slow', { signal: stop.signal });
      stop.abort();
      await expect(other.ready).rejects.toMatchObject({ code: 'claim_cancelled' });
    });

    it('emits the same events', async () => {
      const names: string[] = [];
      for (const event of ['claim-missed', 'claim-ready', 'claim-retired', 'claim-progress'] as const) {
        subject.manager.on(event, () => names.push(event));
      }
      await expect
        .poll(
          async () => {
            const claim = await (await subject.manager.claim('suite-slow')).ready;
            await claim.retire();
            return new Set(names).size;
          },
          { timeout: 20_000 },
        )
        .toBe(4);
    });

    it('takes a hint of a coming claim, and lets it be cancelled', async () => {
      const intent = subject.manager.intent('suite-pooled', { userId: 'ann', ttlMs: 30_000 });
      expect(intent.expiresAtMs).toBeGreaterThan(Date.now());
      intent.cancel();
      intent.cancel();
    });
  });
}

async function hot(manager: SuiteManager) {
  for (;;) {
    const answer = await manager.claim('suite-pooled');
    if (answer.state === 'HOT') return answer.claim;
    const claim = await answer.ready;
    await claim.retire();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
