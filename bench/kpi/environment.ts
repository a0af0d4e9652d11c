import type { LocalHost } from '@pilotlight/local';
import type { Sandbox } from 'e2b';
import { WebSocket } from 'ws';
import { pooled } from '../support/pools.js';
import { percentile, timed } from '../support/statistics.js';
import { claimHot } from './builds.js';
import { client, type Group, portOf } from './group.js';
import { folder, python, typescript } from './runtimes.js';

/** Attaches to the language server kept warm in a sandbox: connects, initialises, and waits for a first real answer. */
async function attach(host: LocalHost, sandbox: Sandbox): Promise<number> {
  const uri = `file://${folder}/src/index.ts`;
  const { value: socket, durationMs } = await timed(async () => {
    const { url, headers } = portOf(host, sandbox, 2087);
    const opened = new WebSocket(url.replace('http', 'ws'), { headers, perMessageDeflate: false });
    await new Promise((resolve, reject) => opened.once('open', resolve).once('error', reject));
    await ask(opened, 1, 'initialize', { processId: null, rootUri: `file://${folder}`, capabilities: {} });
    const hover = await ask(opened, 2, 'textDocument/hover', {
      textDocument: { uri },
      position: { line: 0, character: 14 },
    });
    if (!JSON.stringify(hover).includes('answer')) throw new Error('The language server does not know the document.');
    return opened;
  });
  socket.close();
  return durationMs;
}

function ask(socket: WebSocket, id: number, method: string, params: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve((JSON.parse(String(data)) as { result: unknown }).result));
    socket.once('error', reject);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });
}

const attachRow = 'language server attach, p95';
const memoryRow = 'memory of one cached environment, language server included';

export const languageServer: Group = {
  name: 'language server',
  wanted: [
    { name: attachRow, unit: 'ms', op: '<=', target: 200 },
    { name: memoryRow, unit: 'MB', op: '<=', target: 500 },
  ],
  measure: async (host, rounds) => {
    await using pilotlight = client(host, { ...typescript, pool: { ...typescript.pool, target: 1 } });
    const sandbox = await claimHot(pilotlight, typescript);
    // Shares of pages that several processes hold are counted once: PSS, not RSS.
    const memory = await sandbox.commands.run(
      "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/{sum+=$2} END{print sum}'",
    );
    await pooled(pilotlight, typescript.name, 'hot', 1);
    const durationsMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) durationsMs.push(await attach(host, sandbox));
    await sandbox.kill();
    return {
      [attachRow]: {
        value: percentile(durationsMs, 0.95),
        baseline: `n = ${rounds}, p50 ${percentile(durationsMs, 0.5).toFixed(1)} ms`,
      },
      [memoryRow]: { value: (Number(memory.stdout) * 1024) / 1e6, baseline: 'sum of PSS of every process inside' },
    };
  },
};

const listRow = 'listing a folder of 1,000 files, p95';
const writeRow = 'writing 1 MB, p95';
const readRow = 'reading 1 MB, p95';

export const files: Group = {
  name: 'files',
  wanted: [
    { name: listRow, unit: 'ms', op: '<=', target: 1_000 },
    { name: writeRow, unit: 'ms', op: '<=', target: 500 },
    { name: readRow, unit: 'ms', op: '<=', target: 500 },
  ],
  measure: async (host, rounds) => {
    await using pilotlight = client(host, python);
    const sandbox = await claimHot(pilotlight, python);
    await sandbox.commands.run('mkdir many && cd many && touch $(seq 1 1000)');
    const content = 'x'.repeat(1_000_000);
    const times = { list: [] as number[], write: [] as number[], read: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      times.list.push((await timed(() => sandbox.files.list('many'))).durationMs);
      times.write.push((await timed(() => sandbox.files.write('large.txt', content))).durationMs);
      times.read.push((await timed(() => sandbox.files.read('large.txt'))).durationMs);
    }
    await sandbox.kill();
    const baseline = `n = ${rounds}`;
    return {
      [listRow]: { value: percentile(times.list, 0.95), baseline },
      [writeRow]: { value: percentile(times.write, 0.95), baseline },
      [readRow]: { value: percentile(times.read, 0.95), baseline },
    };
  },
};
