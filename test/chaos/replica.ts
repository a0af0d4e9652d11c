import { type Claim, defineRuntime, RuntimeWarmingManager } from '@pilotlight/warming';
import { e2bProvider } from '@pilotlight/warming/e2b';
import { redisLedger } from '@pilotlight/warming/redis';
import type { Answer, Order, ReplicaSettings } from './protocol.js';

/** One process of the fleet. Does what it is told until it is killed. */
const settings = JSON.parse(process.argv[2] ?? '{}') as ReplicaSettings;
const claims = new Map<string, Claim>();
const manager = new RuntimeWarmingManager({
  provider: e2bProvider({ ...settings.connection, requestTimeoutMs: 15_000 }),
  ledger: redisLedger({ url: settings.redisUrl, fleet: settings.fleet, commandTimeoutMs: 3_000 }),
  fleet: settings.fleet,
  runtimes: [defineRuntime(settings.runtime)],
  budget: { createsPerSecond: 50, burst: 50, probeAfterMs: 1_000, queueTimeoutMs: 60_000, maxSandboxes: 100 },
  ...settings.times,
});

function tell(answer: Answer): void {
  process.send?.(answer);
}

async function obey(order: Order): Promise<Omit<Answer, 'id'>> {
  const beganMs = performance.now();
  switch (order.kind) {
    case 'claim': {
      const answer = await manager.claim(settings.runtime.name, { key: order.key, lifeMs: settings.claimLifeMs });
      const claim = await answer.ready;
      await claim.ack();
      claims.set(order.key, claim);
      const durationMs = performance.now() - beganMs;
      return { ok: true, sandboxId: claim.connection.sandboxId, source: claim.source, durationMs };
    }
    case 'retire': {
      await claims.get(order.key)?.retire();
      claims.delete(order.key);
      return { ok: true, durationMs: performance.now() - beganMs };
    }
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => tell({ id: order.id, ...answer }),
    (error: Error & { code?: string }) =>
      tell({
        id: order.id,
        ok: false,
        error: `${error.code ?? error.name}: ${error.message.split('\n')[0]}`,
        durationMs: 0,
      }),
  );
});

process.once('disconnect', () => process.exit(0));
// A start that fails is tried again by the first claim.
manager.start().then(
  () => tell({ id: 0, ok: true, durationMs: 0 }),
  () => tell({ id: 0, ok: true, durationMs: 0 }),
);
