import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { E2B, type Sandbox } from 'e2b';
import { expect, it } from 'vitest';

const program = new URL('../../packages/local/bin/pilotlight-local.mjs', import.meta.url).pathname;
const streamCount = 10_000;
const batch = 250;

interface Line {
  apiUrl: string;
  sandboxUrl: string;
  apiKey: string;
}

/** The bytes by which a client listens to a command that runs. */
function connectRequest(sandbox: Sandbox, pid: number): Buffer {
  const body = Buffer.from(JSON.stringify({ process: { pid } }));
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(body.length, 1);
  const lines = [
    'POST /process.Process/Connect HTTP/1.1',
    'Host: x',
    'Content-Type: application/connect+json',
    'Connect-Protocol-Version: 1',
    `Content-Length: ${frame.length + body.length}`,
    `E2b-Sandbox-Id: ${sandbox.sandboxId}`,
    `X-Access-Token: ${String(Reflect.get(sandbox, 'envdAccessToken'))}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), frame, body]);
}

it('ten thousand open streams neither end the host nor hold up a command', { timeout: 120_000 }, async () => {
  const host = spawn(process.execPath, [program, '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sockets: Socket[] = [];
  try {
    const [text] = (await once(createInterface({ input: host.stdout }), 'line')) as [string];
    const line = JSON.parse(text) as Line;
    const sandbox = await new E2B(line).Sandbox.create({ timeoutMs: 600_000 });
    const command = await sandbox.commands.run('exec sleep 600', { background: true, timeoutMs: 0 });
    const request = connectRequest(sandbox, command.pid);
    const openOne = () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(Number(new URL(line.sandboxUrl).port), '127.0.0.1', () => socket.write(request));
        sockets.push(socket);
        socket.once('data', () => resolve());
        socket.once('error', reject);
      });
    while (sockets.length < streamCount) {
      await Promise.all(Array.from({ length: batch }, openOne));
    }
    expect((await sandbox.commands.run('echo ok')).stdout).toBe('ok\n');
    for (const socket of sockets) {
      socket.destroy();
    }
    expect((await sandbox.commands.run('echo ok')).stdout).toBe('ok\n');
  } finally {
    for (const socket of sockets) {
      socket.destroy();
    }
    host.kill('SIGTERM');
    await once(host, 'exit');
  }
});
