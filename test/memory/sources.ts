import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedStore, type MemorySource } from '@pilotlight/memory';
import { type Mem0ClientLike, mem0Oss, mem0Platform, mem0Server } from '@pilotlight/memory/mem0';
import { hashedVector } from '../support/hashed-vector.js';
import { type Mem0StandIn, startMem0StandIn } from '../support/mem0-server.js';

export interface OpenSource {
  source: MemorySource;
  close(): Promise<void>;
}

export interface SourceCase {
  name: string;
  /** True when the source answers with everybody's rows. */
  leaky: boolean;
  open(): Promise<OpenSource>;
}

/** Every source there is, the mem0 ones with their real libraries in front of a service on this machine. */
export const sourceCases: readonly SourceCase[] = [
  { name: 'embedded, in memory', leaky: false, open: async () => ({ source: embeddedStore(), close: async () => {} }) },
  { name: 'embedded, in a file', leaky: false, open: openFile },
  ...[false, true].flatMap((leaky): SourceCase[] => {
    const kind = leaky ? ' that leaks' : '';
    return [
      { name: `mem0 platform${kind}`, leaky, open: () => overHttp(leaky, platform) },
      { name: `mem0 server${kind}`, leaky, open: () => overHttp(leaky, selfHosted) },
      { name: `mem0 client object${kind}`, leaky, open: () => overHttp(leaky, clientObject) },
    ];
  }),
  { name: 'mem0 OSS', leaky: false, open: openOss },
];

function platform({ url, apiKey }: Mem0StandIn): MemorySource {
  return mem0Platform({ host: `${url}/`, apiKey });
}

function selfHosted({ url, apiKey }: Mem0StandIn): MemorySource {
  return mem0Server({ host: url, apiKey });
}

async function openFile(): Promise<OpenSource> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-sources-'));
  const source = embeddedStore({ path: join(folder, 'memory.jsonl') });
  return {
    source,
    close: async () => {
      await source.close?.();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function overHttp(
  leaky: boolean,
  make: (standIn: Mem0StandIn) => MemorySource | Promise<MemorySource>,
): Promise<OpenSource> {
  const standIn = await startMem0StandIn({ leaky });
  return { source: await make(standIn), close: () => standIn.close() };
}

async function clientObject({ url, apiKey }: Mem0StandIn): Promise<MemorySource> {
  const { MemoryClient } = await import('mem0ai');
  const client: Mem0ClientLike = new MemoryClient({ apiKey, host: url });
  return mem0Platform({ client });
}

async function openOss(): Promise<OpenSource> {
  return { source: mem0Oss({ config: ossConfig() }), close: async () => {} };
}

/** mem0's engine with nothing but this process: vectors by hashing, rows in memory, no model. */
export function ossConfig(dimension = 256, embedded = dimension): Record<string, unknown> {
  const model = {
    embedQuery: async (text: string) => hashedVector(text, embedded),
    embedDocuments: async (texts: string[]) => texts.map((text) => hashedVector(text, embedded)),
  };
  return {
    embedder: { provider: 'langchain', config: { model } },
    vectorStore: { provider: 'memory', config: { dbPath: ':memory:', dimension } },
    llm: { provider: 'openai', config: { apiKey: 'never-called' } },
    historyStore: { provider: 'sqlite', config: { historyDbPath: ':memory:' } },
  };
}
