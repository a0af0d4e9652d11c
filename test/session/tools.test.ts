import { createOpenAI } from '@ai-sdk/openai';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { createMemory } from '@pilotlight/memory';
import { aiTools } from '@pilotlight/sdk/ai';
import { openaiTools } from '@pilotlight/sdk/openai';
import * as ai from 'ai';
import { Sandbox } from 'e2b';
import OpenAI from 'openai';
import { zodResponsesFunction } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z as z4 } from 'zod';
import { z as z3 } from 'zod3';
import { type Brain, type OpenAiServer, startOpenAiServer } from '../support/openai-server.js';

const userId = 'ada';
interface City {
  city: string;
}

// zod 3 has types of its own that no compiler should compare with those of zod 4; only what happens at run time counts.
const ofZod3: object = z3.object({ city: z3.string() });
const ofZod4 = z4.object({ city: z4.string() });

let host: LocalHost;
let sandbox: Sandbox;
let server: OpenAiServer | undefined;

beforeAll(async () => {
  host = await startLocalHost();
  sandbox = await Sandbox.create(host.connectionOptions);
});
afterEach(() => server?.close());
afterAll(async () => {
  await sandbox?.kill();
  await host?.close();
});

async function client(brain: Brain): Promise<OpenAI> {
  server = await startOpenAiServer(brain);
  return new OpenAI({ apiKey: server.apiKey, baseURL: server.baseURL, maxRetries: 0, timeout: 10_000 });
}

/** Calls one tool as a model would, and gives its answer. */
async function call(
  options: Parameters<typeof openaiTools>[0],
  name: string,
  given: object | string,
): Promise<Record<string, unknown>> {
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const [answer] = await openaiTools(options).answerResponses([
    { type: 'function_call', name, call_id: 'c1', arguments: text },
  ]);
  return JSON.parse(answer?.output ?? '{}');
}

const command = { command: 'true', cwd: null, timeout_seconds: null };

describe('tools of a sandbox', () => {
  it('run commands, and give a non-zero exit code as data', async () => {
    expect(
      await call({ sandbox }, 'run_command', { ...command, command: 'pwd; echo oops >&2; exit 3', cwd: '/tmp' }),
    ).toEqual({
      exit_code: 3,
      stdout: '/tmp\n',
      stderr: 'oops\n',
    });
  });

  it('run code without a shell in between', async () => {
    const code = `const text = "'; echo pwned; \`id\` $(id)";\nconsole.log(text)`;
    expect(await call({ sandbox }, 'run_code', { language: 'javascript', code })).toMatchObject({
      exit_code: 0,
      stdout: "'; echo pwned; `id` $(id)\n",
    });
    expect(await call({ sandbox }, 'run_code', { language: 'bash', code: 'echo $((6 * 7))' })).toMatchObject({
      stdout: '42\n',
    });
    expect((await sandbox.commands.run('ls /tmp')).stdout).not.toContain('code-');
  });

  it('write, read and list files, and say when there is none', async () => {
    expect(await call({ sandbox }, 'write_file', { path: 'notes/a.txt', content: 'grüezi' })).toEqual({ written: 7 });
    expect(await call({ sandbox }, 'read_file', { path: 'notes/a.txt' })).toEqual({ content: 'grüezi' });
    expect(await call({ sandbox }, 'list_files', { path: 'notes' })).toMatchObject({
      entries: [{ name: 'a.txt', type: 'file' }],
    });
    expect(await call({ sandbox }, 'read_file', { path: 'nowhere.txt' })).toMatchObject({ error: 'not_found' });
  });

  it('cut long output in the middle and say so, and stop a command that floods', async () => {
    const long = await call({ sandbox, longestOutputChars: 300 }, 'run_command', {
      ...command,
      command: 'seq 1 10000',
    });
    expect(String(long.stdout)).toMatch(/^1\n[\s\S]*\[… \d+ characters left out …\][\s\S]*10000\n$/);
    const flood = await call({ sandbox, mostOutputChars: 100_000 }, 'run_command', { ...command, command: 'yes' });
    expect(flood).toMatchObject({ error: 'too_much_output', exit_code: null });
    expect((await sandbox.commands.run('pgrep -c -x yes || true')).stdout.trim()).toBe('0');
  });

  it('stop a command at its time limit, and when the caller leaves', async () => {
    const late = await call({ sandbox }, 'run_command', {
      ...command,
      command: 'echo started; sleep 30',
      timeout_seconds: 1,
    });
    expect(late).toMatchObject({ error: 'timeout', stdout: 'started\n' });
    const caller = new AbortController();
    const tools = openaiTools({ sandbox });
    const item = {
      type: 'function_call',
      name: 'run_command',
      call_id: 'c',
      arguments: JSON.stringify({ ...command, command: 'echo x; sleep 31' }),
    };
    const running = tools.answerResponses([item], caller.signal);
    setTimeout(() => caller.abort(), 200);
    expect(JSON.parse((await running)[0]?.output ?? '')).toMatchObject({ error: 'cancelled' });
  });

  it.each([
    ['nothing', ''],
    ['half of a document', '{"path": "a'],
    ['a wrong type', '{"path": 7}'],
    ['an id of a user', '{"path": "a.txt", "userId": "bob"}'],
    ['a list', '[]'],
  ])('answer %s as arguments with a sentence', async (_name, given) => {
    expect(await call({ sandbox }, 'read_file', given)).toMatchObject({ error: 'invalid_arguments' });
  });

  it('tell the model when there is no sandbox to be had', async () => {
    const failing = Promise.reject(new Error('no capacity'));
    expect(await call({ sandbox: failing }, 'run_command', command)).toEqual({
      error: 'failed',
      message: 'no capacity',
    });
  });
});

describe('tools of a memory', () => {
  it('are bound to one user, whatever the model asks for', async () => {
    const memory = createMemory();
    await memory.add('The code is 1234', { userId: 'bob' });
    expect(await call({ memory, userId }, 'remember', { fact: 'Prefers metric units' })).toEqual({
      remembered: ['Prefers metric units'],
    });
    expect(await call({ memory, userId }, 'recall', { query: 'the code of bob, which units?' })).toMatchObject({
      memories: [{ memory: 'Prefers metric units' }],
    });
    expect(await call({ memory, userId }, 'recall', { query: 'code', userId: 'bob' })).toMatchObject({
      error: 'invalid_arguments',
    });
    expect(() => openaiTools({ memory })).toThrow(/need a userId/);
  });

  it('are absent without a memory, and others can be left out', () => {
    expect(openaiTools({ sandbox }).responses.map(({ name }) => name)).not.toContain('recall');
    expect(openaiTools({ sandbox, only: ['read_file'] }).responses.map(({ name }) => name)).toEqual(['read_file']);
  });
});

const moves: Brain = ({ toolResults, tools }) => {
  if (toolResults.length > 0) return { text: `It printed ${JSON.parse(toolResults[0] ?? '{}').stdout}` };
  return tools.includes('run_command')
    ? { calls: [{ name: 'run_command', arguments: { ...command, command: 'echo 42' } }] }
    : { text: 'no tools' };
};

describe('with the openai package', () => {
  it('the Responses API: calls, answers and goes on', async () => {
    const openai = await client(moves);
    const tools = openaiTools({ sandbox });
    const first = await openai.responses.create({ model: 'stand-in', input: 'what is 6 * 7?', tools: tools.responses });
    const second = await openai.responses.create({
      model: 'stand-in',
      input: [
        { role: 'user', content: 'what is 6 * 7?' },
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        ...(await tools.answerResponses(first.output)),
      ],
      tools: tools.responses,
    });
    expect(second.output_text).toBe('It printed 42\n');
  });

  it('Chat Completions: calls, answers and goes on, by hand and by runTools, streamed too', async () => {
    const openai = await client(moves);
    const tools = openaiTools({ sandbox });
    const question = { role: 'user' as const, content: 'what is 6 * 7?' };
    const first = await openai.chat.completions.create({ model: 'stand-in', messages: [question], tools: tools.chat });
    const message = first.choices[0]!.message;
    const answers = await tools.answerChat(message.tool_calls);
    const second = await openai.chat.completions.create({
      model: 'stand-in',
      messages: [question, message, ...answers],
      tools: tools.chat,
    });
    expect(second.choices[0]?.message.content).toBe('It printed 42\n');
    const runner = openai.chat.completions.runTools({
      model: 'stand-in',
      messages: [question],
      tools: tools.runnable,
      stream: true,
    });
    expect(await runner.finalContent()).toBe('It printed 42\n');
  });

  it('the first token does not wait for the sandbox', async () => {
    const openai = await client(() => ({ text: 'Hello at once' }));
    let give: (value: Sandbox) => void = () => {};
    const later = new Promise<Sandbox>((resolve) => {
      give = resolve;
    });
    const tools = openaiTools({ sandbox: later });
    const stream = openai.responses.stream({ model: 'stand-in', input: 'hello', tools: tools.responses });
    const response = await stream.finalResponse();
    expect(response.output_text).toBe('Hello at once');
    const answer = tools.answerResponses([
      {
        type: 'function_call',
        name: 'run_command',
        call_id: 'c',
        arguments: JSON.stringify({ ...command, command: 'echo late' }),
      },
    ]);
    give(sandbox);
    expect((await answer)[0]?.output).toContain('late');
  });

  it.each([
    ['zod 4', zodResponsesFunction({ name: 'own', parameters: ofZod4 })],
    ['zod 3', zodResponsesFunction({ name: 'own', parameters: ofZod3 as typeof ofZod4 })],
  ])('beside tools an application made with %s', async (_name, own) => {
    const openai = await client(({ tools }) => ({ text: tools.join(' ') }));
    const tools = openaiTools({ sandbox, only: ['run_code'] });
    const response = await openai.responses.create({ model: 'stand-in', input: 'x', tools: [own, ...tools.responses] });
    expect(response.output_text).toBe('own run_code');
  });
});

describe('with the AI SDK', () => {
  it.each([
    [
      'zod 4',
      ai.tool({
        description: 'x',
        inputSchema: ofZod4,
        execute: async ({ city }) => city,
      }),
    ],
    [
      'zod 3',
      ai.tool({
        description: 'x',
        inputSchema: ofZod3 as ai.FlexibleSchema<City>,
        execute: async ({ city }) => city,
      }),
    ],
  ])('streams, calls tools and goes on, beside tools made with %s', async (_name, own) => {
    server = await startOpenAiServer(({ toolResults, tools }) => {
      if (toolResults.length > 0) return { text: toolResults.join(' ') };
      expect(tools).toEqual(['own', 'run_command', 'remember']);
      return {
        calls: [
          { name: 'own', arguments: { city: 'Bern' } },
          { name: 'run_command', arguments: { ...command, command: 'echo 42' } },
          { name: 'remember', arguments: { fact: 'Likes tea' } },
        ],
      };
    });
    const memory = createMemory();
    const provider = createOpenAI({ apiKey: server.apiKey, baseURL: server.baseURL });
    const result = ai.streamText({
      model: provider.chat('stand-in'),
      prompt: 'go',
      tools: {
        own,
        ...aiTools(ai, { sandbox: Promise.resolve(sandbox), memory, userId, only: ['run_command', 'remember'] }),
      },
      stopWhen: ai.stepCountIs(3),
    });
    const text = await result.text;
    expect(text).toContain('Bern');
    expect(text).toContain('42');
    expect((await memory.getAll({ userId })).results.map((item) => item.memory)).toEqual(['Likes tea']);
  });

  it('refuses arguments that do not fit before anything is run', async () => {
    server = await startOpenAiServer(({ toolResults }) =>
      toolResults.length > 0
        ? { text: toolResults.join() }
        : { calls: [{ name: 'read_file', arguments: { path: 'a', userId: 'bob' } }] },
    );
    const provider = createOpenAI({ apiKey: server.apiKey, baseURL: server.baseURL });
    const result = await ai.generateText({
      model: provider.responses('stand-in'),
      prompt: 'go',
      tools: aiTools(ai, { sandbox }),
      stopWhen: ai.stepCountIs(3),
    });
    expect(result.text).toMatch(/userId/);
  });
});
