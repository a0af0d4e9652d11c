import { readFileSync } from 'node:fs';

/** A fact one user told, and two ways to ask for it. */
export interface Question {
  userId: string;
  fact: string;
  query: string;
  /** `direct` repeats words of the fact; `paraphrase` asks for the same with other words. */
  kind: 'direct' | 'paraphrase';
}

/** The question set beside this file: one line a fact, `fact | direct question | paraphrase`. */
export function readQuestions(): Question[] {
  const lines = readFileSync(new URL('questions.txt', import.meta.url), 'utf8').split('\n');
  const questions: Question[] = [];
  let userId = '';
  for (const line of lines) {
    if (line.startsWith('# user: ')) userId = line.slice('# user: '.length).trim();
    const [fact, direct, paraphrase] = line.split('|').map((part) => part.trim());
    if (!fact || !direct || !paraphrase) continue;
    questions.push({ userId, fact, query: direct, kind: 'direct' });
    questions.push({ userId, fact, query: paraphrase, kind: 'paraphrase' });
  }
  return questions;
}
