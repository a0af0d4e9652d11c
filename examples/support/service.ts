import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ConnectionOptions } from '@pilotlight/sdk';

/** Starts the service as `npx pilotlight dev` would, and answers where it listens. */
export async function startService(connection: ConnectionOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const environment = {
    ...(connection.apiUrl ? { E2B_API_URL: connection.apiUrl, E2B_SANDBOX_URL: connection.sandboxUrl } : {}),
    ...(connection.apiKey ? { E2B_API_KEY: connection.apiKey } : {}),
  };
  const program = fileURLToPath(new URL('../../packages/warmer/bin/pilotlight.mjs', import.meta.url));
  // In a process group of its own: Ctrl-C is answered here, and the service is stopped last.
  const service = spawn(process.execPath, [program, 'dev', '--json', '--port', '0'], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(service, 'exit');
  const stop = async () => {
    service.kill('SIGTERM');
    await ended;
  };
  for await (const line of createInterface({ input: service.stdout })) {
    return { url: (JSON.parse(line) as { url: string }).url, stop };
  }
  throw new Error('The warmer service ended before it listened. What it printed above says why.');
}
