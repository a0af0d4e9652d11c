import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import S3rver from 's3rver';

/** A service that was started for a test. Whoever started it closes it. */
export interface Service {
  url: string;
  close(): Promise<void>;
}

/** Redis from the system package; undefined, with a loud word, where it is not installed. */
export async function startRedis(): Promise<Service | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    console.warn('redis-server is not installed: the tests of the Redis tier are SKIPPED');
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'pilotlight-redis-'));
  const socket = join(directory, 'redis.sock');
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory], {
    stdio: 'ignore',
  });
  for (let tries = 0; !existsSync(socket) && tries < 500; tries += 1) await wait(10);
  return {
    url: socket,
    close: async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** An S3 server from npm, with one bucket. */
export async function startS3(bucket: string): Promise<Service & { directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'pilotlight-s3-'));
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const address: unknown = await server.run();
  return {
    url: `http://127.0.0.1:${(address as AddressInfo).port}`,
    directory,
    close: async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A web server over a directory, as a CDN is over a bucket. */
export async function startFileServer(directory: string): Promise<Service> {
  const server = createServer((request, response) => {
    const path = join(directory, normalize(`/${decodeURIComponent(request.url ?? '')}`));
    if (!existsSync(path)) {
      response.writeHead(404).end();
      return;
    }
    response.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
