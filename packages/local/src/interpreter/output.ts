import type { KernelMessage } from './kernel-messages.js';

/** One line of the answer to `runCode`, as `@e2b/code-interpreter` reads it. */
export type OutputItem =
  | { type: 'stdout' | 'stderr'; text: string; timestamp: string }
  | ({ type: 'result'; is_main_result: boolean } & Record<string, unknown>)
  | { type: 'error'; name: string; value: string; traceback: string }
  | { type: 'number_of_executions'; execution_count: number }
  | { type: 'keepalive' };

const fieldOf: Readonly<Record<string, string>> = {
  'text/plain': 'text',
  'text/html': 'html',
  'text/markdown': 'markdown',
  'image/svg+xml': 'svg',
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'application/pdf': 'pdf',
  'text/latex': 'latex',
  'application/json': 'json',
  'application/javascript': 'javascript',
  'e2b/data': 'data',
  'e2b/chart': 'chart',
};

/** Undefined for messages that the caller is not told of. */
export function outputOf(message: KernelMessage, now: Date): OutputItem | undefined {
  switch (message.type) {
    case 'stdout':
    case 'stderr':
      return { type: message.type, text: message.text, timestamp: now.toISOString() };
    case 'count':
      return { type: 'number_of_executions', execution_count: message.count };
    case 'error':
      return message;
    case 'result':
      return resultOf(message.main, message.data);
    case 'ready':
    case 'end':
      return undefined;
    default:
      return message satisfies never;
  }
}

function resultOf(isMain: boolean, data: Readonly<Record<string, unknown>>): OutputItem {
  const fields: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  for (const [kind, value] of Object.entries(data)) {
    const field = fieldOf[kind];
    if (field === undefined) {
      extra[kind] = value;
    } else {
      fields[field] = field === 'text' && typeof value === 'string' ? unquoted(value) : value;
    }
  }
  return { ...fields, extra, type: 'result', is_main_result: isMain };
}

/** E2B shows a string as its text, not as its literal. */
function unquoted(text: string): string {
  const isQuoted = text.length >= 2 && /^(['"])/.test(text) && text.endsWith(text[0]!);
  return isQuoted ? text.slice(1, -1) : text;
}
