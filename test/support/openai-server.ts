import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a model is shown, from either API. */
export interface ModelInput {
  /** System and developer messages, and `instructions`. */
  system: string;
  /** The latest message of the user. */
  user: string;
  /** Results of the tool calls since then, oldest first. */
  toolResults: string[];
  /** Names of the tools on offer. */
  tools: string[];
}

/** What a model says next. */
export type ModelMove = { text: string } | { calls: { name: string; arguments: object | string }[] };

/** A model as a function of what it is shown. */
export type Brain = (input: ModelInput) => ModelMove;

export interface OpenAiServer {
  /** To be used as `baseURL`. */
  readonly baseURL: string;
  readonly apiKey: string;
  /** What was asked, in order. */
  readonly inputs: ModelInput[];
  close(): Promise<void>;
}

type Fields = Record<string, unknown>;

/**
 * A model service on this machine that speaks OpenAI's protocol over real HTTP: Responses and Chat Completions, whole and
 * streamed, with tool calls. What it says is decided by `brain`.
 */
export async function startOpenAiServer(brain: Brain): Promise<OpenAiServer> {
  const apiKey = `stand-in-${randomUUID()}`;
  const inputs: ModelInput[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.headers.authorization !== `Bearer ${apiKey}`)
      return json(response, 401, { error: { message: 'wrong key' } });
    const body = await bodyOf(request);
    const isChat = request.url === '/v1/chat/completions';
    if (!isChat && request.url !== '/v1/responses') return json(response, 404, { error: { message: 'no such route' } });
    const input = isChat ? chatInput(body) : responsesInput(body);
    inputs.push(input);
    const move = brain(input);
    if (isChat) answerChat(response, body, move);
    else answerResponses(response, body, move);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((failure: Error) => json(response, 500, { error: { message: failure.message } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    apiKey,
    inputs,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function responsesInput(body: Fields): ModelInput {
  const items = (typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input) as Fields[];
  const lastUser = items.findLastIndex((item) => item.role === 'user');
  const system = items
    .filter((item) => item.role === 'system' || item.role === 'developer')
    .map((item) => textIn(item.content));
  return {
    system: [String(body.instructions ?? ''), ...system].join('\n'),
    user: textIn(items[lastUser]?.content),
    toolResults: items
      .slice(lastUser + 1)
      .flatMap((item) => (item.type === 'function_call_output' ? [textIn(item.output)] : [])),
    tools: ((body.tools ?? []) as Fields[]).map((tool) => String(tool.name)),
  };
}

function chatInput(body: Fields): ModelInput {
  const messages = body.messages as Fields[];
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  const system = messages.filter((message) => message.role === 'system' || message.role === 'developer');
  return {
    system: system.map((message) => textIn(message.content)).join('\n'),
    user: textIn(messages[lastUser]?.content),
    toolResults: messages
      .slice(lastUser + 1)
      .flatMap((message) => (message.role === 'tool' ? [textIn(message.content)] : [])),
    tools: ((body.tools ?? []) as Fields[]).map((tool) => String((tool.function as Fields).name)),
  };
}

function answerResponses(response: ServerResponse, body: Fields, move: ModelMove): void {
  const output = itemsOf(move);
  const whole = {
    id: `resp_${randomUUID()}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model: body.model,
    status: 'completed',
    error: null,
    incomplete_details: null,
    output,
    parallel_tool_calls: true,
    tools: body.tools ?? [],
    usage: {
      input_tokens: 1,
      output_tokens: 1,
      total_tokens: 2,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  };
  if (body.stream !== true) {
    json(response, 200, whole);
    return;
  }
  let sequence = 0;
  const send = (type: string, fields: Fields) => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence, ...fields })}\n\n`);
    sequence += 1;
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send('response.created', { response: { ...whole, status: 'in_progress', output: [] } });
  for (const [index, item] of output.entries()) {
    const place = { item_id: item.id, output_index: index };
    if (item.type === 'function_call') {
      send('response.output_item.added', {
        output_index: index,
        item: { ...item, arguments: '', status: 'in_progress' },
      });
      for (const delta of pieces(String(item.arguments)))
        send('response.function_call_arguments.delta', { ...place, delta });
      send('response.function_call_arguments.done', { ...place, arguments: item.arguments, name: item.name });
    } else {
      const [part] = item.content as [Fields];
      send('response.output_item.added', {
        output_index: index,
        item: { ...item, content: [], status: 'in_progress' },
      });
      send('response.content_part.added', { ...place, content_index: 0, part: { ...part, text: '' } });
      for (const delta of pieces(String(part.text)))
        send('response.output_text.delta', { ...place, content_index: 0, delta, logprobs: [] });
      send('response.output_text.done', { ...place, content_index: 0, text: part.text, logprobs: [] });
      send('response.content_part.done', { ...place, content_index: 0, part });
    }
    send('response.output_item.done', { output_index: index, item });
  }
  send('response.completed', { response: whole });
  response.end();
}

function itemsOf(move: ModelMove): Fields[] {
  if ('text' in move) {
    const content = [{ type: 'output_text', text: move.text, annotations: [], logprobs: [] }];
    return [{ id: `msg_${randomUUID()}`, type: 'message', role: 'assistant', status: 'completed', content }];
  }
  return move.calls.map((call) => ({
    id: `fc_${randomUUID()}`,
    type: 'function_call',
    call_id: `call_${randomUUID()}`,
    name: call.name,
    arguments: argumentsOf(call),
    status: 'completed',
  }));
}

function answerChat(response: ServerResponse, body: Fields, move: ModelMove): void {
  const calls =
    'calls' in move
      ? move.calls.map((call) => ({
          id: `call_${randomUUID()}`,
          type: 'function',
          function: { name: call.name, arguments: argumentsOf(call) },
        }))
      : undefined;
  const text = 'text' in move ? move.text : null;
  const finish = calls === undefined ? 'stop' : 'tool_calls';
  const base = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: body.model };
  if (body.stream !== true) {
    const message = {
      role: 'assistant',
      content: text,
      refusal: null,
      ...(calls === undefined ? {} : { tool_calls: calls }),
    };
    const choice = { index: 0, message, finish_reason: finish, logprobs: null };
    json(response, 200, {
      ...base,
      object: 'chat.completion',
      choices: [choice],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
    return;
  }
  const send = (delta: Fields, finishReason: string | null) => {
    const chunk = {
      ...base,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send({ role: 'assistant', content: text === null ? null : '' }, null);
  for (const piece of pieces(text ?? '')) send({ content: piece }, null);
  for (const [index, call] of (calls ?? []).entries()) {
    send({ tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: '' } }] }, null);
    for (const piece of pieces(call.function.arguments))
      send({ tool_calls: [{ index, function: { arguments: piece } }] }, null);
  }
  send({}, finish);
  response.end('data: [DONE]\n\n');
}

function argumentsOf(call: { arguments: object | string }): string {
  return typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
}

function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,12}/gu) ?? [];
}

function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part: Fields) => String(part.text ?? '')).join('') : '';
}

async function bodyOf(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Fields;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
