// An assistant that remembers: a fact told in one session is used in the next, in another sandbox.
//
//   npm run example openai-agent                      a stand-in for the model answers, on this machine
//   OPENAI_API_KEY=… npm run example openai-agent     OpenAI answers; OPENAI_BASE_URL and OPENAI_MODEL if you like

import { createMemory } from '@pilotlight/memory';
import { Pilotlight } from '@pilotlight/sdk';
import OpenAI from 'openai';
import { startOpenAiServer } from '../../test/support/openai-server.js';
import { example } from '../support/example.js';
import { type Agent, ask } from './agent.js';
import { standIn } from './stand-in.js';

const userId = 'ada';

await example(async (connection, signal) => {
  const server = process.env.OPENAI_API_KEY ? undefined : await startOpenAiServer(standIn);
  const memory = createMemory();
  await using pilotlight = new Pilotlight({ ...connection, runtimes: [{ name: 'agent' }], memory });
  const agent: Agent = {
    openai: new OpenAI(server ? { apiKey: server.apiKey, baseURL: server.baseURL } : {}),
    model: process.env.OPENAI_MODEL ?? 'gpt-5-mini',
    memory,
    userId,
  };

  /** One session: a sandbox of its own, one message, and where the time to the first word went. */
  const converse = async (text: string): Promise<void> => {
    const session = pilotlight.session({ runtime: 'agent', userId, memory });
    session.events.on('background-error', () => {});
    try {
      console.log(`\n> ${text}`);
      const reply = session.message(text, { model: (request) => ask(agent, request), signal });
      for await (const words of reply) process.stdout.write(words);
      const { totalMs, claimMs } = await reply.firstToken;
      const sandbox = await session.ready({ signal });
      console.log(
        `\n(sandbox ${sandbox.sandboxId}, first word after ${totalMs.toFixed(0)} ms, claim ${claimMs.toFixed(0)} ms)`,
      );
      if (await sandbox.files.exists('marathon.txt'))
        console.log(`marathon.txt: ${await sandbox.files.read('marathon.txt')}`);
    } finally {
      await session.close();
    }
  };

  try {
    await converse('Please remember that I prefer metric units.');
    await converse('How long is a marathon? Write it to marathon.txt.');
  } finally {
    await memory.close();
    await server?.close();
  }
});
