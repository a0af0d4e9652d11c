import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildPack,
  createDiskTier,
  createHttpTier,
  createMemoryTier,
  inspectPack,
  openStore,
  pullPack,
  pullSnapshot,
  pushPack,
  pushSnapshot,
  type Tier,
  TieredObjects,
  type TierKey,
  type TierProblem,
  verifyPack,
} from '@pilotlight/snapshots';
import { createRedisTier } from '@pilotlight/snapshots/redis';
import { createS3Tier } from '@pilotlight/snapshots/s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startFileServer, startRedis, startS3 } from './services.js';
import { fingerprint, temporaryDirectory, writeTree } from './support.js';

let redis: Service | undefined;
let s3: Service & { directory: string };

beforeAll(async () => {
  redis = await startRedis();
  s3 = await startS3('packs');
});

afterAll(async () => {
  await redis?.close();
  await s3.close();
});

const bucket = () =>
  createS3Tier({
    bucket: 'packs',
    endpoint: s3.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  });

async function setUp() {
  const work = temporaryDirectory();
  const root = join(work, 'tree');
  writeTree(root, {
    'a.txt': 'one',
    'b/c.txt': 'two'.repeat(5000),
    link: { link: 'a.txt' },
    'large.bin': Buffer.alloc(3_000_000, 'xyz'),
  });
  for (let index = 0; index < 300; index += 1) writeTree(root, { [`many/file-${index}`]: `content ${index}` });
  return { work, root, store: await openStore({ directory: join(work, 'store'), threads: 0 }) };
}

describe('a snapshot in the tiers', () => {
  it('travels from memory, disk, Redis and S3 to another machine, which reads it through a CDN', async () => {
    const { work, root, store } = await setUp();
    const tiers = new TieredObjects({
      tiers: [
        { tier: createMemoryTier(), level: 'hot' },
        { tier: createDiskTier({ directory: join(work, 'disk') }), level: 'hot' },
        ...(redis ? [{ tier: createRedisTier({ url: redis.url }) }] : []),
        { tier: bucket(), level: 'archive', write: 'back' },
      ],
    });
    const { snapshot } = await store.capture(root);
    const pushed = await pushSnapshot(store, tiers, snapshot.id);
    expect(pushed.bundles).toBeLessThan(5);
    await tiers.close();

    writeFileSync(join(root, 'a.txt'), 'changed');
    const next = await store.capture(root, { parent: snapshot.id });
    const again = new TieredObjects({ tiers: [{ tier: bucket(), level: 'archive' }] });
    const delta = await pushSnapshot(store, again, next.snapshot.id);
    expect(delta).toMatchObject({ bundles: 1, reusedBundles: pushed.bundles });
    expect(delta.bytes).toBeLessThan(50_000);
    await again.close();

    const cdn = await startFileServerOfBucket();
    const elsewhere = await openStore({ directory: join(work, 'elsewhere'), threads: 0 });
    const reading = new TieredObjects({ tiers: [{ tier: createHttpTier({ baseUrl: cdn.url }) }] });
    await pullSnapshot(elsewhere, reading, next.snapshot.id);
    await elsewhere.restore(next.snapshot.id, join(work, 'copy'));
    expect(fingerprint(join(work, 'copy'))).toEqual(fingerprint(root));
    await expect(pullSnapshot(elsewhere, reading, '0'.repeat(64))).rejects.toMatchObject({ code: 'snapshot_unknown' });
    await reading.close();
    await cdn.close();
    await elsewhere.close();
    await store.close();
  });

  it('is not taken from a tier that gives another one, or half of it', async () => {
    const { work, root, store } = await setUp();
    const honest = createMemoryTier({ name: 'honest' });
    const lying = createMemoryTier({ name: 'lying' });
    const { snapshot } = await store.capture(root);
    writeFileSync(join(root, 'a.txt'), 'evil');
    const other = await store.capture(root);
    await pushSnapshot(store, new TieredObjects({ tiers: [{ tier: honest }] }), snapshot.id);
    await pushSnapshot(store, new TieredObjects({ tiers: [{ tier: lying }] }), other.snapshot.id);
    const evil = await lying.get(`ref/snapshot/${other.snapshot.id}`);
    await lying.put?.(`ref/snapshot/${snapshot.id}`, evil!);
    const problems: TierProblem[] = [];
    const tiers = new TieredObjects({
      tiers: [{ tier: lying }, { tier: honest }],
      onProblem: (problem) => problems.push(problem),
    });
    const elsewhere = await openStore({ directory: join(work, 'elsewhere'), threads: 0 });
    await pullSnapshot(elsewhere, tiers, snapshot.id);
    expect(problems).toMatchObject([{ tier: 'lying', problem: 'corrupt' }]);
    await elsewhere.restore(snapshot.id, join(work, 'copy'));
    expect(readFileSync(join(work, 'copy/a.txt'), 'utf8')).toBe('one');
    await elsewhere.close();
    await store.close();
  });
});

describe('a pack in the tiers', () => {
  it('is pulled as it was pushed', async () => {
    const { work, root, store } = await setUp();
    await store.close();
    const built = await buildPack({
      name: 'app',
      output: join(work, 'pack'),
      layers: [{ kind: 'directory', name: 'all', source: root, target: '/home/user' }],
    });
    const tiers = new TieredObjects({ tiers: [{ tier: createMemoryTier() }, { tier: bucket(), level: 'archive' }] });
    await pushPack(tiers, join(work, 'pack'));
    await tiers.close();
    const reading = new TieredObjects({ tiers: [{ tier: bucket() }] });
    await pullPack(reading, built.key, join(work, 'pulled'));
    expect(await verifyPack(join(work, 'pulled'))).toMatchObject({ sound: true, key: built.key });
    await reading.close();
  });

  it('is not taken from a tier that has other layers under its key; the tier is reported and passed by', async () => {
    const { work, root, store } = await setUp();
    await store.close();
    const layer = { kind: 'directory', name: 'all', source: root, target: '/home/user' } as const;
    const built = await buildPack({ name: 'app', output: join(work, 'pack'), layers: [layer] });
    writeFileSync(join(root, 'a.txt'), 'evil');
    await buildPack({ name: 'app', output: join(work, 'evil'), layers: [layer] });
    const lying = createMemoryTier({ name: 'lying' });
    const honest = createMemoryTier({ name: 'honest' });
    await forgeManifest(join(work, 'evil'), join(work, 'pack'), lying);
    const alone = new TieredObjects({ tiers: [{ tier: { ...lying, name: 'alone' } }] });
    await expect(pullPack(alone, built.key, join(work, 'pulled'))).rejects.toMatchObject({ code: 'blob_corrupt' });
    expect(existsSync(join(work, 'pulled'))).toBe(false);

    await forgeManifest(join(work, 'evil'), join(work, 'pack'), lying);
    await pushPack(new TieredObjects({ tiers: [{ tier: honest }] }), join(work, 'pack'));
    const problems: TierProblem[] = [];
    const both = new TieredObjects({
      tiers: [{ tier: lying }, { tier: honest }],
      onProblem: (problem) => problems.push(problem),
    });
    await pullPack(both, built.key, join(work, 'pulled'));
    expect(problems).toMatchObject([{ tier: 'lying', problem: 'corrupt', error: { code: 'blob_corrupt' } }]);
    expect(await verifyPack(join(work, 'pulled'))).toMatchObject({ sound: true, key: built.key });
    await both.close();
  });
});

/** A manifest under the key of one pack that brings the layers of another. */
async function forgeManifest(directory: string, honest: string, tier: Tier): Promise<void> {
  const [good, evil] = [await inspectPack(honest), await inspectPack(directory)];
  const tiers = new TieredObjects({ tiers: [{ tier }] });
  await pushPack(tiers, directory);
  const meta = {
    ...good.meta,
    layers: evil.meta.layers.map((layer, index) => ({ ...layer, digest: good.meta.layers[index]!.digest })),
  };
  const own = await tiers.candidates(refOf(evil.meta.key), { accept: () => undefined }).next();
  const manifest = JSON.parse((own.value as { bytes: Buffer }).bytes.toString()) as Record<string, unknown>;
  const forged = JSON.stringify({ ...manifest, meta: JSON.stringify(meta) });
  await tiers.putRef(refOf(good.meta.key), Buffer.from(forged));
  await tiers.close();
}

const refOf = (key: string): TierKey => `ref/pack/${key.slice('runtime-pack:v1:sha256:'.length)}`;

/** The bucket's objects as a CDN gives them: asked for by key over plain HTTP. */
async function startFileServerOfBucket(): Promise<Service> {
  const directory = temporaryDirectory();
  const { readdirSync, mkdirSync, copyFileSync } = await import('node:fs');
  const { dirname } = await import('node:path');
  const source = join(s3.directory, 'packs');
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('._S3rver_object')) continue;
    const path = join(entry.parentPath, entry.name);
    const target = join(directory, path.slice(source.length).replace('._S3rver_object', ''));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
  }
  return startFileServer(directory);
}
