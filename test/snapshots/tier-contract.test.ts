import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createDiskTier, createHttpTier, createMemoryTier } from '@pilotlight/snapshots';
import { tierContract } from '@pilotlight/snapshots/contract';
import { createRedisTier } from '@pilotlight/snapshots/redis';
import { createS3Tier } from '@pilotlight/snapshots/s3';
import { afterAll, describe, it } from 'vitest';
import { type Service, startFileServer, startRedis, startS3 } from './services.js';
import { temporaryDirectory } from './support.js';

const runner = { describe, it: (name: string, body: () => Promise<void>) => it(name, body) };
const services: Service[] = [];
afterAll(() => Promise.all(services.map((service) => service.close())));

const redis = await startRedis();
if (redis) services.push(redis);
const s3 = await startS3('packs');
services.push(s3);

tierContract('memory', { open: async () => createMemoryTier(), passTime: async (ttlMs) => wait(ttlMs + 20) }, runner);

tierContract(
  'disk',
  {
    open: async () => createDiskTier({ directory: temporaryDirectory() }),
    passTime: async (ttlMs) => wait(ttlMs + 20),
  },
  runner,
);

if (redis) {
  let run = 0;
  tierContract(
    'redis',
    {
      open: async () => {
        run += 1;
        return createRedisTier({ url: redis.url, prefix: `run-${run}:` });
      },
      passTime: async (ttlMs) => wait(ttlMs + 20),
    },
    runner,
  );
} else {
  it.skip('tier contract: redis (redis-server is not installed)');
}

let s3Run = 0;
tierContract(
  's3',
  {
    open: async () => {
      s3Run += 1;
      return createS3Tier({
        bucket: 'packs',
        endpoint: s3.url,
        region: 'us-east-1',
        prefix: `run-${s3Run}/`,
        credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
      });
    },
    passTime: async (ttlMs) => wait(ttlMs + 20),
    // The test server writes into the object itself; S3 puts an object in place whole.
    mixesUploads: true,
  },
  runner,
);

const served: { service: Service | undefined; directory: string } = { service: undefined, directory: '' };
tierContract(
  'http',
  {
    open: async () => {
      served.directory = temporaryDirectory();
      served.service = await startFileServer(served.directory);
      return createHttpTier({ baseUrl: served.service.url });
    },
    seed: async (key, bytes) => {
      const path = join(served.directory, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    },
    dispose: async () => served.service?.close(),
  },
  runner,
);
