import { parentPort } from 'node:worker_threads';
import { type FileRequest, FileSession } from './store/file-session.js';

/**
 * The thread that reads, hashes and writes files, so that the host's event loop stays free and both cores are used.
 * Started by `file-executor.ts`; an entry of its own because a thread needs a file to start from.
 */
const session = new FileSession();

parentPort?.on('message', ({ id, request }: { id: number; request: FileRequest }) => {
  try {
    parentPort?.postMessage({ id, answer: session.handle(request) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    parentPort?.postMessage({ id, failure: { code, message } });
  }
});
