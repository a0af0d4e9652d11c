import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** One `true` in a sandbox by a bare HTTP client: what is left when the SDK's own work is taken away. */
export function rawCommand(url: string, sandboxId: string, token: string): Promise<void> {
  const message = Buffer.from(
    JSON.stringify({ process: { cmd: '/bin/bash', args: ['-l', '-c', 'true'] }, stdin: false }),
  );
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return new Promise((resolve, reject) => {
    const call = request(
      `${url}/process.Process/Start`,
      {
        method: 'POST',
        agent,
        headers: {
          'Content-Type': 'application/connect+json',
          'Connect-Protocol-Version': '1',
          'E2b-Sandbox-Id': sandboxId,
          'E2b-Sandbox-Port': '49983',
          'X-Access-Token': token,
        },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1');
        });
        response.once('end', () => {
          if (text.includes('exit status 0')) {
            resolve();
          } else {
            reject(new Error(`the command did not end well: ${text}`));
          }
        });
      },
    );
    call.once('error', reject);
    call.end(Buffer.concat([head, message]));
  });
}

export function closeRaw(): void {
  agent.destroy();
}
