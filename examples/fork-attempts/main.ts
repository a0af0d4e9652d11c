// Several attempts at one task from the same warm state: fork the sandbox, let each try its own way, keep the first that
// passes the test.
//
//   npm run example fork-attempts

import { defineRuntime, Pilotlight } from '@pilotlight/sdk';
import { Sandbox } from 'e2b';
import { example } from '../support/example.js';

const folder = '/home/user/task';
const runtime = defineRuntime({
  name: 'task',
  files: {
    [`${folder}/check.py`]: 'from answer import middle\nassert middle([3, 1, 2]) == 2\nassert middle([1, 2, 9]) == 2\n',
  },
  steps: [{ name: 'prepare', run: 'git init -q . && git add .', cwd: folder }],
  pool: { target: 1 },
});

// What a model would answer when it is asked three times.
const attempts = [
  'def middle(numbers):\n    return numbers[len(numbers) // 2]\n',
  'def middle(numbers):\n    return sum(numbers) / len(numbers)\n',
  'def middle(numbers):\n    return sorted(numbers)[len(numbers) // 2]\n',
];

/** True when the task's own test passes with this answer. */
async function passes(sandbox: Sandbox, answer: string, signal: AbortSignal): Promise<boolean> {
  await sandbox.files.write(`${folder}/answer.py`, answer);
  const check = await sandbox.commands.run('python3 check.py && echo passed || echo failed', { cwd: folder, signal });
  return check.stdout.includes('passed');
}

await example(async (connection, signal) => {
  await using pilotlight = new Pilotlight({ ...connection, runtimes: [runtime] });
  const sandbox = await pilotlight.sandbox('task', { signal, env: { ATTEMPTS: String(attempts.length) } });

  // One call, all forks. A fork that failed comes back as an error in its place; the default life of a fork is 15 s.
  const forks = await sandbox.fork({ count: attempts.length, timeoutMs: 60_000 });
  const results = await Promise.all(
    forks.map(async (fork, index) => {
      if (fork instanceof Error) return { index, passed: false };
      try {
        return { index, passed: await passes(fork, attempts[index] ?? '', signal) };
      } finally {
        await Sandbox.kill(fork.sandboxId, connection);
      }
    }),
  );
  for (const { index, passed } of results) console.log(`attempt ${index + 1}: ${passed ? 'passed' : 'failed'}`);

  // The sandbox that was forked is as it was before, and takes the answer that passed.
  const winner = results.find(({ passed }) => passed);
  if (!winner) throw new Error('No attempt passed its test. Ask again with the failures as context.');
  await sandbox.files.write(`${folder}/answer.py`, attempts[winner.index] ?? '');
  console.log(`kept attempt ${winner.index + 1} of ${attempts.length}`);
  await sandbox.kill();
});
