import type { ServerResponse } from 'node:http';
import type { CodeContext } from './context-table.js';
import { type OutputItem, outputOf } from './output.js';

/** As often as E2B's own server says that it is still there. */
const keepaliveMs = 5_000;

/**
 * Runs code and writes each thing it brings forth as a line of JSON at once. A caller that leaves ends the code, unless
 * it was cut off because its sandbox was paused: the code goes on then when the sandbox does.
 */
export async function streamExecution(
  context: CodeContext,
  { code, envs }: { code: string; envs: Readonly<Record<string, string>> },
  response: ServerResponse,
  isStillRunning: () => boolean,
): Promise<void> {
  const leaving = new AbortController();
  const write = (item: OutputItem) => {
    if (!response.headersSent) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
    }
    if (!response.destroyed && !response.write(`${JSON.stringify(item)}\n`)) {
      context.pause();
    }
  };
  const onDrain = () => context.resume();
  const onClose = () => {
    context.resume();
    if (!response.writableFinished && isStillRunning()) {
      leaving.abort();
    }
  };
  response.on('drain', onDrain);
  response.once('close', onClose);
  const keepalive = setInterval(() => write({ type: 'keepalive' }), keepaliveMs);
  keepalive.unref();
  try {
    await context.run(
      {
        code,
        envs,
        onMessage: (message) => {
          const item = outputOf(message, new Date());
          if (item) {
            write(item);
          }
        },
      },
      leaving.signal,
    );
    if (!response.headersSent) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
    }
    response.end();
  } finally {
    clearInterval(keepalive);
    response.off('drain', onDrain);
  }
}
