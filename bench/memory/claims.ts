import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalHost } from '@pilotlight/local';
import { createMemory } from '@pilotlight/memory';
import { mem0Platform } from '@pilotlight/memory/mem0';
import { Pilotlight } from '@pilotlight/sdk';
import { startMem0StandIn } from '../../test/support/mem0-server.js';
import { timed } from '../support/statistics.js';
import { roundTripMs } from './injection.js';
import type { Question } from './questions.js';

export interface ClaimTimes {
  /** Milliseconds of hot claims, by how the memories were there. */
  prefetched: number[];
  onTheirWay: number[];
  without: number[];
}

const rounds = 25;

/** Hot claims on the local host, in turns with memories of a mem0 platform 100 ms away and without. */
export async function measureClaims(questions: readonly Question[]): Promise<ClaimTimes> {
  const standIn = await startMem0StandIn({ delayMs: roundTripMs });
  const host = await startLocalHost();
  const memory = createMemory({
    source: mem0Platform({ host: standIn.url, apiKey: standIn.apiKey }),
    ttlMs: 3_600_000,
  });
  const pilotlight = new Pilotlight({
    ...host.connectionOptions,
    memory,
    runtimes: [{ name: 'plain', pool: { target: 1, link: false } }],
  });
  const times: ClaimTimes = { prefetched: [], onTheirWay: [], without: [] };
  try {
    await pilotlight.start();
    const facts = questions.slice(0, 60).map(({ fact }) => ({ role: 'user' as const, content: fact }));
    for (let round = 0; round < rounds; round += 1) {
      const userId = `user-${round}`;
      await memory.add(facts, { userId, infer: false });
      await memory.prefetch({ userId });
      for (const [durations, request] of [
        [times.prefetched, { userId }],
        [times.onTheirWay, { userId: `stranger-${round}` }],
        [times.without, {}],
      ] as const) {
        const durationMs = await hotClaim(pilotlight, request);
        // The first round loads modules and opens connections.
        if (round > 0) durations.push(durationMs);
      }
    }
  } finally {
    await pilotlight.close();
    await memory.close();
    await host.close();
    await standIn.close();
  }
  return times;
}

/** Duration of the next claim that was answered HOT; one that was not is no hot claim and is not counted. */
async function hotClaim(pilotlight: Pilotlight, request: { userId?: string }): Promise<number> {
  for (;;) {
    await vacancy(pilotlight);
    const { value, durationMs } = await timed(() => pilotlight.claim('plain', request));
    await (await value.ready).retire();
    if (value.state === 'HOT') return durationMs;
  }
}

async function vacancy(pilotlight: Pilotlight): Promise<void> {
  while (!(await pilotlight.warming.pools()).some((pool) => pool.hot > 0)) await sleep(20);
}
