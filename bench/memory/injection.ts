import { createMemory } from '@pilotlight/memory';
import { mem0Platform } from '@pilotlight/memory/mem0';
import { startMem0StandIn } from '../../test/support/mem0-server.js';
import { timed } from '../support/statistics.js';
import type { Question } from './questions.js';

export interface InjectionTimes {
  /** Milliseconds of each injection, by how the memories were there. */
  prefetched: number[];
  cached: number[];
  cold: number[];
}

export const roundTripMs = 100;
const users = 60;

/** What a claim waits for its memories, against a mem0 platform 100 ms away. */
export async function measureInjections(questions: readonly Question[]): Promise<InjectionTimes> {
  const standIn = await startMem0StandIn({ delayMs: roundTripMs });
  const times: InjectionTimes = { prefetched: [], cached: [], cold: [] };
  try {
    const source = mem0Platform({ host: standIn.url, apiKey: standIn.apiKey });
    const filler = createMemory({ source });
    const facts = [...new Set(questions.map(({ fact }) => fact))];
    const names = Array.from({ length: users }, (_unused, index) => `user-${index}`);
    await Promise.all(
      names.map((userId) =>
        filler.add(
          facts.map((content) => ({ role: 'user' as const, content })),
          { userId, infer: false },
        ),
      ),
    );
    const memory = createMemory({ source });
    const inject = (userId: string, index: number) =>
      timed(() => memory.injection({ userId, query: questions[index % questions.length]!.query }));
    const prefetched = names.filter((_name, index) => index % 2 === 0);
    // As it happens in a service: memories come while sandboxes warm, claims come later.
    for (const userId of prefetched) await memory.prefetch({ userId });
    for (const [index, userId] of names.entries()) {
      const { durationMs } = await inject(userId, index);
      (prefetched.includes(userId) ? times.prefetched : times.cold).push(durationMs);
      for (let again = 0; again < 5; again += 1) times.cached.push((await inject(userId, index + again)).durationMs);
    }
  } finally {
    await standIn.close();
  }
  return times;
}
