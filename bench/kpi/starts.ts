import { defineRuntime, type Pilotlight, type Runtime } from '@pilotlight/sdk';
import type { ClaimSource } from '@pilotlight/warming';
import { pooled } from '../support/pools.js';
import { percentile, timed } from '../support/statistics.js';
import { client, type Group, percentileRows, percentileValues, portOf } from './group.js';
import { agent, python } from './runtimes.js';

/** Every pool of these rows holds two: the refill of the claim before is over when the next one is measured. */
const full = 2;

/**
 * Claims until `count` of them were answered from `source`, each measured to the result of `first`. The first one of a
 * process is thrown away: it loads modules.
 */
async function claims(
  pilotlight: Pilotlight,
  runtime: string,
  source: ClaimSource,
  count: number,
  first: (sandbox: Awaited<ReturnType<Pilotlight['sandbox']>>) => Promise<unknown>,
  hotBefore = full,
): Promise<number[]> {
  const durationsMs: number[] = [];
  for (let attempt = 0; durationsMs.length <= count && attempt < count * 2 + 10; attempt += 1) {
    if (source === 'hot') await pooled(pilotlight, runtime, 'hot', hotBefore);
    const { value, durationMs } = await timed(async () => {
      const sandbox = await pilotlight.sandbox(runtime);
      await first(sandbox);
      return sandbox;
    });
    if (value.claim?.source === source) durationsMs.push(durationMs);
    await value.kill();
  }
  return durationsMs.slice(1);
}

const runTrue = (sandbox: Awaited<ReturnType<Pilotlight['sandbox']>>) => sandbox.commands.run('true');
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
    const node = withPool(python, 'node', { target: 2 });
    const pilotlight = client(host, linked, python, node);
    try {
      const hotMs = await claims(pilotlight, 'python', 'hot', rounds, runTrue);
      // With one left and the refill at work on the same two processors: what a machine of its own would not show.
      const besideMs = await claims(pilotlight, 'python', 'hot', rounds, runTrue, 1);
      const linkedMs = await claims(pilotlight, 'linked', 'linked', rounds, runTrue);
      const switchedMs: number[] = [];
      for (let turn = 0; turn < rounds; turn += 1) {
        switchedMs.push(...(await claims(pilotlight, turn % 2 === 0 ? 'node' : 'python', 'hot', 1, runTrue)));
      }
      const baseline = (durationsMs: number[]) =>
        `n = ${durationsMs.length}, p50 ${percentile(durationsMs, 0.5).toFixed(1)} ms`;
      return {
        [linkedRow]: { value: percentile(linkedMs, 0.9), baseline: baseline(linkedMs) },
        [hotRow]: {
          value: percentile(hotMs, 0.95),
          baseline: `${baseline(hotMs)}; while a refill runs on the same processors: p95 ${percentile(besideMs, 0.95).toFixed(1)} ms`,
        },
        [switchRow]: { value: percentile(switchedMs, 0.95), baseline: baseline(switchedMs) },
      };
    } finally {
      await pilotlight.close();
    }
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
    const pilotlight = client(host, warm, cold);
    const ask = async (sandbox: Awaited<ReturnType<Pilotlight['sandbox']>>) => {
      const { url, headers } = portOf(host, sandbox, 8080);
      const response = await fetch(`${url}/task`, { headers });
      if (!response.ok) throw new Error(`The agent answered ${response.status}.`);
      await response.json();
    };
    try {
      const warmMs = await claims(pilotlight, 'agent', 'hot', rounds * 3, ask);
      const coldMs = await claims(pilotlight, 'agent-cold', 'cold', rounds, ask);
      return { ...percentileValues(warmAgent, warmMs), ...percentileValues(coldAgent, coldMs) };
    } finally {
      await pilotlight.close();
    }
  },
};
