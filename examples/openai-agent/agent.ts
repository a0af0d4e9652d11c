import type { Memory } from '@pilotlight/memory';
import type { ModelRequest } from '@pilotlight/sdk';
import { openaiTools } from '@pilotlight/sdk/openai';
import type OpenAI from 'openai';

type InputItem = OpenAI.Responses.ResponseInputItem;

const instructions =
  'You are a helpful assistant with a Linux sandbox. Keep lasting facts about the user with "remember".';
const mostSteps = 8;

export interface Agent {
  openai: OpenAI;
  model: string;
  memory: Memory;
  userId: string;
}

/**
 * The loop of an agent: what is known of the user goes into the instructions, the sandbox goes into the tools as a
 * promise. The first word comes as soon as the model has one, whether the sandbox is there or not.
 */
export async function* ask(agent: Agent, request: ModelRequest<undefined>): AsyncGenerator<string> {
  const { openai, model, memory, userId } = agent;
  const tools = openaiTools({ sandbox: request.sandbox, memory, userId });
  const input: InputItem[] = [{ role: 'user', content: request.text }];
  for (let step = 0; step < mostSteps; step += 1) {
    const stream = openai.responses.stream({
      model,
      instructions: `${instructions}\n\n${request.context?.prompt.text ?? ''}`,
      input,
      tools: tools.responses,
    });
    for await (const event of stream) if (event.type === 'response.output_text.delta') yield event.delta;
    const { output } = await stream.finalResponse();
    const answers = await tools.answerResponses(output, request.signal);
    if (answers.length === 0) return;
    input.push(...(output as InputItem[]), ...answers);
  }
}
