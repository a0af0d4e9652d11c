import { loadavg } from 'node:os';
import { startLocalHost } from '@pilotlight/local';
import { type AgentSession, Pilotlight } from '@pilotlight/sdk';
import { Sandbox } from 'e2b';
import { report, row } from '../support/report.js';
import { percentile, round, timed } from '../support/statistics.js';
import { naiveMessage, naiveSleepMs } from './naive.js';
import { configOf } from './workload.js';

const rounds = 60;
const naiveRounds = 8;
const userId = 'bench';

/** One message whose model needs the sandbox and answers at once, so that what is left is ours. */
async function send(session: AgentSession): Promise<{ durationMs: number; ran: readonly string[] }> {
  const reply = session.message('hello', {
    model: async ({ sandbox }) => {
      await sandbox;
      return one();
    },
  });
  const { durationMs } = await timed(async () => {
    for await (const _token of reply) return;
  });
  return { durationMs, ran: (await reply.firstToken).ran };
}

async function* one(): AsyncGenerator<string> {
  yield 'ok';
}

async function main(): Promise<void> {
  const host = await startLocalHost();
  const pilotlight = new Pilotlight({
    ...host.connectionOptions,
    runtimes: [{ name: 'agent', pool: { target: 1, link: false } }],
  });
  const naive = await Sandbox.create(host.connectionOptions);
  try {
    let model = 'a';
    const session = pilotlight.session({ runtime: 'agent', userId, config: () => configOf(model) });
    const sandbox = await session.ready();
    await send(session);
    await naiveMessage(naive, model);

    let roundTrips = 0;
    const { run } = sandbox.commands;
    const counted = (...given: unknown[]): unknown => {
      roundTrips += 1;
      return Reflect.apply(run, sandbox.commands, given);
    };
    Object.defineProperty(sandbox.commands, 'run', { value: counted, configurable: true, writable: true });

    const warm: number[] = [];
    const bare: number[] = [];
    const naiveWarm: number[] = [];
    let mostRoundTrips = 0;
    for (let index = 0; index < rounds; index += 1) {
      roundTrips = 0;
      const { durationMs, ran } = await send(session);
      if (ran.length > 0) throw new Error(`A warm message ran ${ran.join(', ')}`);
      mostRoundTrips = Math.max(mostRoundTrips, roundTrips);
      warm.push(durationMs);
      bare.push((await timed(() => naive.commands.run('true'))).durationMs);
      if (index % Math.ceil(rounds / naiveRounds) === 0)
        naiveWarm.push((await timed(() => naiveMessage(naive, 'a'))).durationMs);
    }

    model = 'b';
    session.invalidate();
    const changed = await send(session);
    const settled = await send(session);
    const expected = ['agent-server', 'files', 'workspace'];
    const wrong =
      [...changed.ran].sort().join() === expected.join() ? settled.ran.length : Math.max(1, changed.ran.length);

    const beside = `naive chain p50 ${round(percentile(naiveWarm, 0.5))} ms, bare command p50 ${round(percentile(bare, 0.5))} ms`;
    report(
      'session',
      [
        row({
          name: 'warm message, round trips to the sandbox before the model',
          measured: mostRoundTrips,
          unit: 'round trips',
          op: '<=',
          target: 1,
        }),
        row({
          name: 'warm message, added before the model, p95',
          measured: percentile(warm, 0.95),
          unit: 'ms',
          op: '<=',
          target: 20,
          baseline: beside,
        }),
        row({
          name: 'naive chain against warm message, p50',
          measured: percentile(naiveWarm, 0.5) / percentile(warm, 0.5),
          unit: 'x',
          op: '>=',
          target: 10,
          baseline: beside,
        }),
        row({
          name: 'naive chain without its sleep against warm message, p50',
          measured: (percentile(naiveWarm, 0.5) - naiveSleepMs) / percentile(warm, 0.5),
          unit: 'x',
          op: '>=',
          target: 10,
          baseline: beside,
        }),
        row({
          name: 'changed settings, steps run beyond the changed ones',
          measured: wrong,
          unit: 'steps',
          op: '==',
          target: 0,
          baseline: `ran ${[...changed.ran].sort().join(', ')} in ${round(changed.durationMs)} ms`,
        }),
      ],
      {
        rounds,
        load: loadavg()[0],
        warmMs: { p50: percentile(warm, 0.5), p95: percentile(warm, 0.95) },
        bareMs: { p50: percentile(bare, 0.5), p95: percentile(bare, 0.95) },
        naiveMs: { p50: percentile(naiveWarm, 0.5), p95: percentile(naiveWarm, 0.95) },
      },
    );
    await session.close();
  } finally {
    await naive.kill();
    await pilotlight.close();
    await host.close();
  }
}

await main();
