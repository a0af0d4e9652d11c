import { createMemory, type MemorySource } from '@pilotlight/memory';
import { percentile, timed } from '../support/statistics.js';
import type { Question } from './questions.js';

export interface Recall {
  /** Share of questions whose fact is among the first five, in [0, 1]. */
  all: number;
  direct: number;
  paraphrase: number;
  p50Ms: number;
  p95Ms: number;
}

const rounds = 3;

/** Fills the sources with the facts and asks them every question in turns, so that a slow minute hits all. */
export async function measureRecall(
  sources: Record<string, MemorySource>,
  questions: readonly Question[],
): Promise<Record<string, Recall>> {
  const memories = Object.entries(sources).map(([name, source]) => ({
    name,
    memory: createMemory({ source }),
    found: new Set<Question>(),
    durations: [] as number[],
  }));
  const facts = new Map(questions.map(({ fact, userId }) => [fact, userId]));
  for (const { memory } of memories) {
    for (const [fact, userId] of facts) await memory.add(fact, { userId, infer: false });
    await memory.search('warm the caches', { userId: questions[0]!.userId });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const question of questions) {
      for (const { memory, found, durations } of memories) {
        const { value, durationMs } = await timed(() =>
          memory.search(question.query, { userId: question.userId, topK: 5 }),
        );
        durations.push(durationMs);
        if (value.results.some((row) => row.memory === question.fact)) found.add(question);
      }
    }
  }
  return Object.fromEntries(
    memories.map(({ name, found, durations }) => {
      const share = (kind?: Question['kind']) => {
        const asked = questions.filter((question) => kind === undefined || question.kind === kind);
        return asked.filter((question) => found.has(question)).length / asked.length;
      };
      return [
        name,
        {
          all: share(),
          direct: share('direct'),
          paraphrase: share('paraphrase'),
          p50Ms: percentile(durations, 0.5),
          p95Ms: percentile(durations, 0.95),
        },
      ];
    }),
  );
}
