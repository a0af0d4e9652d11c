// The Vercel AI SDK with a sandbox as its tools. The model starts to answer while the sandbox is still on its way.
//
//   npm run example ai-sdk-agent                      a stand-in for the model answers, on this machine
//   OPENAI_API_KEY=… npm run example ai-sdk-agent     OpenAI answers; OPENAI_BASE_URL and OPENAI_MODEL if you like

import { createOpenAI } from '@ai-sdk/openai';
import { createMemory } from '@pilotlight/memory';
import { defineRuntime, Pilotlight } from '@pilotlight/sdk';
import { aiTools } from '@pilotlight/sdk/ai';
import * as ai from 'ai';
import { type Brain, startOpenAiServer } from '../../test/support/openai-server.js';
import { example } from '../support/example.js';

const python = defineRuntime({ name: 'python', pool: { target: 1 } });

/** What a model would do: write a program, run it, tell what came out. */
const standIn: Brain = ({ toolResults }) => {
  switch (toolResults.length) {
    case 0:
      return { calls: [{ name: 'write_file', arguments: { path: 'primes.py', content: program } }] };
    case 1:
      return {
        calls: [{ name: 'run_command', arguments: { command: 'python3 primes.py', cwd: null, timeout_seconds: null } }],
      };
    default:
      return { text: `The program printed: ${toolResults.at(-1)?.match(/\d+(, \d+)+/)?.[0] ?? toolResults.at(-1)}` };
  }
};
const program = 'print(", ".join(str(n) for n in range(2, 30) if all(n % d for d in range(2, n))))\n';

await example(async (connection, signal) => {
  const server = process.env.OPENAI_API_KEY ? undefined : await startOpenAiServer(standIn);
  const memory = createMemory();
  await using pilotlight = new Pilotlight({ ...connection, runtimes: [python], memory });
  try {
    const sandbox = pilotlight.sandbox('python', { userId: 'ada', signal });
    const { textStream } = ai.streamText({
      model: createOpenAI(server ?? {}).chat(process.env.OPENAI_MODEL ?? 'gpt-5-mini'),
      prompt: 'Which primes are below 30? Write a program and run it.',
      // The promise itself is given: it is awaited by the first tool that needs the sandbox, not before.
      tools: aiTools(ai, { sandbox, memory, userId: 'ada' }),
      stopWhen: ai.stepCountIs(6),
      abortSignal: signal,
    });
    for await (const words of textStream) process.stdout.write(words);
    process.stdout.write('\n');
    // To a model a sandbox that never came is an answer like another; here it ends the program.
    await (await sandbox).kill();
  } finally {
    await memory.close();
    await server?.close();
  }
});
