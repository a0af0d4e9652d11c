import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real Redis of its own, on a free port of this machine. */
export interface RedisServer {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Whether `redis-server` can be had. Tests that need it are skipped, and say so, where it cannot. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

if (!hasRedis)
  console.warn(
    'redis-server is not installed: the tests of the Redis ledger are SKIPPED (apt-get install redis-server).',
  );

/** Starts Redis; everything it acknowledged is on disk, so that it may be killed and started again on the same port and folder. */
export async function startRedis(options: { port?: number; folder?: string } = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'pilotlight-redis-')));
  const process = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--save',
      '',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    let output = '';
    process.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Ready to accept connections')) resolve();
    });
    process.once('error', reject);
    process.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${output}`)));
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    process,
    async stop() {
      process.removeAllListeners('exit');
      const ended = new Promise((resolve) => process.once('exit', resolve));
      if (process.exitCode === null && process.signalCode === null && process.kill('SIGKILL')) await ended;
      if (!options.folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
