import { defineRuntime, type Pilotlight, type Runtime } from '@pilotlight/sdk';
import type { ClaimSource } from '@pilotlight/warming';
import { pooled } from '../support/pools.js';
import { percentile, timed } from '../support/statistics.js';
import { client, type Group, percentileRows, percentileValues, portOf } from './group.js';
import { agent, node, python } from './runtimes.js';

/** Every pool of these rows holds two: the refill of the claim before is over when the next one is measured. */
const full = 2;

type Sandbox = Awaited<ReturnType<Pilotlight['sandbox']>>;
type First = (sandbox: Sandbox) => Promise<unknown>;

/** One claim, measured to the result of `first`. Undefined when it was not answered from `source`. */
async function claimed(
  pilotlight: Pilotlight,
  runtime: string,
  source: ClaimSource,
  first: First,
  hotBefore = full,
): Promise<number | undefined> {
  if (source === 'hot') await pooled(pilotlight, runtime, 'hot', hotBefore);
  const { value, durationMs } = await timed(async () => {
    const sandbox = await pilotlight.sandbox(runtime);
    await first(sandbox);
    return sandbox;
  });
  await value.kill();
  return value.claim?.source === source ? durationMs : undefined;
}

/** Claims until `count` of them were answered from `source`. The first one of a process is thrown away: it loads modules. */
async function claims(
  pilotlight: Pilotlight,
  runtime: string,
  source: ClaimSource,
  count: number,
  first: First,
  hotBefore = full,
): Promise<number[]> {
  const durationsMs: number[] = [];
  for (let attempt = 0; durationsMs.length <= count && attempt < count * 2 + 10; attempt += 1) {
    const durationMs = await claimed(pilotlight, runtime, source, first, hotBefore);
    if (durationMs !== undefined) durationsMs.push(durationMs);
  }
  return durationsMs.slice(1);
}

/** Claims of one language after the other, so that each follows one of the other, to the first answer of the language. */
async function switches(pilotlight: Pilotlight, rounds: number): Promise<number[]> {
  const languages = [
    { runtime: node.name, command: 'node --version' },
    { runtime: python.name, command: 'python3 --version' },
  ];
  const durationsMs: number[] = [];
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const { runtime, command } of languages) {
      const durationMs = await claimed(pilotlight, runtime, 'hot', (sandbox) => sandbox.commands.run(command));
      if (durationMs !== undefined) durationsMs.push(durationMs);
    }
  }
  return durationsMs;
}

const runTrue: First = (sandbox) => sandbox.commands.run('true');
const withPool = (runtime: Runtime, name: string, pool: Partial<Runtime['pool']>): Runtime =>
  defineRuntime({ ...runtime, name, pool: { ...runtime.pool, ...pool } });

const linkedRow = 'cold start from a snapshot link, p90';
const hotRow = 'hot start, p95';
const switchRow = 'switching between language environments, p95';

export const starts: Group = {
  name: 'starts',
  wanted: [
    { name: linkedRow, unit: 'ms', op: '<=', target: 250 },
    { name: hotRow, unit: 'ms', op: '<=', target: 50 },
    { name: switchRow, unit: 'ms', op: '<=', target: 100 },
  ],
  measure: async (host, rounds) => {
    const linked = withPool(python, 'linked', { target: 0, link: true });
    await using pilotlight = client(host, linked, python, node);
    const hotMs = await claims(pilotlight, 'python', 'hot', rounds, runTrue);
    // With one left and the refill at work on the same two processors: what a machine of its own would not show.
    const besideMs = await claims(pilotlight, 'python', 'hot', rounds, runTrue, 1);
    const linkedMs = await claims(pilotlight, 'linked', 'linked', rounds, runTrue);
    const switchedMs = await switches(pilotlight, Math.ceil(rounds / 2));
    const baseline = (durationsMs: number[]) =>
      `n = ${durationsMs.length}, p50 ${percentile(durationsMs, 0.5).toFixed(1)} ms`;
    return {
      [linkedRow]: { value: percentile(linkedMs, 0.9), baseline: baseline(linkedMs) },
      [hotRow]: {
        value: percentile(hotMs, 0.95),
        baseline: `${baseline(hotMs)}; while a refill runs on the same processors: p95 ${percentile(besideMs, 0.95).toFixed(1)} ms`,
      },
      [switchRow]: {
        value: percentile(switchedMs, 0.95),
        baseline: `${baseline(switchedMs)}, to the answer of "node --version" or "python3 --version"`,
      },
    };
  },
};

const warmAgent = 'agent start, warm';
const coldAgent = 'agent start, cold';

/** From the claim to the first answer of an agent server inside the sandbox. */
export const agents: Group = {
  name: 'agents',
  wanted: [...percentileRows(warmAgent, [150, 300, 800]), ...percentileRows(coldAgent, [800, 1500, 3000])],
  measure: async (host, rounds) => {
    const warm = agent({ ...python.pool, target: full });
    const cold = withPool(warm, 'agent-cold', { target: 0, link: false, generic: false });
    await using pilotlight = client(host, warm, cold);
    const ask: First = async (sandbox) => {
      const { url, headers } = portOf(host, sandbox, 8080);
      const response = await fetch(`${url}/task`, { headers });
      if (!response.ok) throw new Error(`The agent answered ${response.status}.`);
      await response.json();
    };
    const warmMs = await claims(pilotlight, 'agent', 'hot', rounds * 3, ask);
    const coldMs = await claims(pilotlight, 'agent-cold', 'cold', rounds, ask);
    return { ...percentileValues(warmAgent, warmMs), ...percentileValues(coldAgent, coldMs) };
  },
};
